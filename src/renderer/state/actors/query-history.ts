const most = 50

function storageKey(module: string): string {
  return `paddock.queries.${module}`
}

/** Queries run on actors of a module, newest first; kept in this console only. */
export function queryHistory(module: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey(module)) ?? '[]')
    return Array.isArray(kept) ? kept.filter((each): each is string => typeof each === 'string') : []
  } catch {
    return []
  }
}

/** Puts a query in front; one that is kept already moves there. */
export function rememberQuery(module: string, sql: string): readonly string[] {
  const list = [sql, ...queryHistory(module).filter((each) => each !== sql)].slice(0, most)
  try {
    localStorage.setItem(storageKey(module), JSON.stringify(list))
  } catch {
    // A full storage forgets the history, nothing else.
  }
  return list
}

export function forgetQueries(module: string): void {
  localStorage.removeItem(storageKey(module))
}
