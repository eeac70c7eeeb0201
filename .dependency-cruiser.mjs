// The layer rule: where a file lies says where its code may run, and what it may import.
// test/structure/layers.test.ts proves that each rule reports a planted violation.

const electron = '(^|/)node_modules/electron/|^electron$'
const tests = '[.]test[.]ts$'

/** Code in `src/<layer>` may import its own layer and those in `allowed`, as regular expressions after `src/`. */
function layer(name, allowed) {
  const targets = [`${name}/`, ...allowed].join('|')
  return {
    name: `${name}-imports`,
    comment: `src/${name} may import ${allowed.length === 0 ? 'nothing else of ours' : `${allowed.join(', ')} only`}.`,
    severity: 'error',
    from: { path: `^src/${name}/` },
    to: { path: '^src/', pathNot: `^src/(${targets})` },
  }
}

/** Code in `src/<layer>` must stay clear of Electron. */
function withoutElectron(name) {
  return {
    name: `${name}-without-electron`,
    comment: `src/${name} also runs where there is no Electron.`,
    severity: 'error',
    from: { path: `^src/${name}/` },
    to: { path: electron },
  }
}

/** Code in `src/<layer>` must stay clear of Node's own modules; its tests run on Node and may use them. */
function withoutNode(name) {
  return {
    name: `${name}-without-node`,
    comment: `src/${name} also runs where there is no Node.`,
    severity: 'error',
    from: { path: `^src/${name}/`, pathNot: tests },
    to: { dependencyTypes: ['core'] },
  }
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    layer('shared', []),
    layer('event-store', ['shared/']),
    layer('engine', ['event-store/', 'shared/']),
    layer('sandbox', ['event-store/', 'shared/']),
    layer('main', ['engine/', 'shared/']),
    layer('cli', ['engine/', 'event-store/', 'shared/']),
    layer('preload', ['shared/ipc/', 'shared/errors[.]ts$']),
    layer('renderer', ['shared/']),
    ...['shared', 'event-store', 'engine', 'sandbox', 'cli', 'renderer'].map(withoutElectron),
    ...['shared', 'preload', 'renderer'].map(withoutNode),
    {
      name: 'event-store-on-threads',
      comment: 'SQLite blocks: the engine and the command open event stores on worker threads only.',
      severity: 'error',
      from: { path: '^src/(engine|cli)/', pathNot: '-thread[.]ts$|[.]test[.]ts$' },
      to: { path: '^src/event-store/sqlite/' },
    },
    {
      name: 'no-test-code',
      comment: 'Sources run without the tests and the scripts; their own unit tests may use both.',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: '^(test|scripts|bin|modules)/' },
    },
    {
      name: 'unknown-folder',
      comment: 'A new folder under src/ needs its rule here first.',
      severity: 'error',
      from: { path: '^src/(?!(shared|event-store|engine|sandbox|main|cli|preload|renderer)/)' },
      to: {},
    },
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one file, or lack a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'not-to-unresolvable',
      comment: 'The import names a file or a package that is not there.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: electron },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Types count: a type import across layers couples them all the same.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'svelte', 'types', 'default'],
      extensions: ['.ts', '.svelte', '.js', '.mjs', '.d.ts'],
    },
  },
}
