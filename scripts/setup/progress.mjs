const start = performance.now()
const quietAfterMs = 5000

function elapsed(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

/** One line on stderr, with the time since the command started. */
export function say(message) {
  process.stderr.write(`[${elapsed(start).padStart(7)}] ${message}\n`)
}

/**
 * Announces a step, says every few seconds that it still runs and what it last printed, and says when it ended.
 * `work` gets a function for its progress messages.
 */
export async function step(name, work) {
  const began = performance.now()
  let latest = ''
  say(`${name} ...`)
  const timer = setInterval(
    () => say(`${name}: ${elapsed(began)}${latest === '' ? '' : ` (${latest})`}`),
    quietAfterMs,
  )
  try {
    const result = await work((text) => {
      const lines = text.trim().split('\n')
      latest = (lines.at(-1) ?? '').trim().slice(0, 100)
    })
    say(`${name}: done in ${elapsed(began)}`)
    return result
  } catch (error) {
    say(`${name}: failed after ${elapsed(began)}`)
    throw error
  } finally {
    clearInterval(timer)
  }
}
