import { resolve } from 'node:path'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'electron-vite'

const root = import.meta.dirname

/** Every script that a process or a worker thread starts from, by the name of its file in out/main. */
const mainEntries = {
  index: 'src/main/index.ts',
  sandbox: 'src/sandbox/main.ts',
  guest: 'src/sandbox/guest-thread.ts',
  'sql-owner': 'src/sandbox/contracts/actor/bridged/sql-owner-thread.ts',
  compiler: 'src/engine/compiler/compiler-process.ts',
  telemetry: 'src/engine/telemetry/telemetry-thread.ts',
  'store-reader': 'src/engine/store-browser/store-reader-thread.ts',
  'message-store': 'src/engine/capabilities/messaging/retention/message-thread.ts',
  'content-store': 'src/engine/capabilities/remote-store/local/content-thread.ts',
  'flow-store': 'src/engine/flows/ends/store/flow-store-thread.ts',
  'event-reader': 'src/engine/event-browser/event-reader-thread.ts',
  'tool-server': 'src/engine/tool-server/tool-server-thread.ts',
  'tool-broker': 'src/engine/broker/process/tool-broker-process.ts',
  'leak-scan': 'src/engine/broker/scan/scan-thread.ts',
  cli: 'src/cli/index.ts',
}

// Native accelerators that `ws` tries to load and does without.
const optionalNatives = ['bufferutil', 'utf-8-validate']

export default defineConfig({
  main: {
    build: {
      outDir: resolve(root, 'out/main'),
      // Electron 25 runs Node 18.15. `dependencies` of package.json and Node's own modules stay external
      // (electron-vite's defaults); everything else is bundled.
      target: 'node18',
      sourcemap: true,
      rolldownOptions: {
        input: mainEntries,
        external: optionalNatives,
        output: {
          format: 'cjs',
          entryFileNames: '[name].cjs',
          // Flat, so that __dirname is out/main in a shared chunk as well.
          chunkFileNames: 'chunk-[name]-[hash].cjs',
          // An ESM-only external (jco-transpile) can be loaded by a real import() only.
          dynamicImportInCjs: true,
        },
      },
    },
  },
  preload: {
    build: {
      outDir: resolve(root, 'out/preload'),
      target: 'node18',
      // A sandboxed preload script can require nothing but electron.
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: 'src/preload/index.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false },
      },
    },
  },
  renderer: {
    root: resolve(root, 'src/renderer'),
    plugins: [svelte({ configFile: resolve(root, 'svelte.config.js') })],
    build: {
      outDir: resolve(root, 'out/renderer'),
      target: 'chrome114',
      sourcemap: true,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: resolve(root, 'src/renderer/index.html') },
    },
  },
})
