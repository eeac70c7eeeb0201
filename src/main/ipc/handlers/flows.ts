/** What the console asks of flows. */
import { dialog } from 'electron'
import type { FlowEnd } from '../../../shared/contracts/flow.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import type { HandlerContext } from './context.ts'

export function flowHandlers({ engine, window }: HandlerContext): PaddockHandlers['flows'] {
  const { flows } = engine
  return {
    list: () => flows.list(),
    watch: (_, push) => {
      push([flows.list()], 0)
      return flows.onDidChange(() => push([flows.list()], 0))
    },
    pick: async ({ kind }) => {
      const options = {
        title: kind === 'file' ? 'Choose a flow file' : 'Choose the folder of a flow',
        properties: [kind === 'file' ? ('openFile' as const) : ('openDirectory' as const)],
        ...(kind === 'file' ? { filters: [{ name: 'Flow files', extensions: ['toml'] }] } : {}),
      }
      const parent = window()
      const { filePaths } = await (parent === null
        ? dialog.showOpenDialog(options)
        : dialog.showOpenDialog(parent, options))
      return filePaths[0] ?? null
    },
    check: async ({ path, text, components }) => {
      const { problems, graphs } = await flows.check(path, text, components)
      return { problems: [...problems], graphs: [...graphs] }
    },
    asks: async ({ path, flow }) => [...(await flows.asks({ path, flow: flow ?? undefined }))],
    add: ({ path, flow, granted }) => flows.add({ path, flow: flow ?? undefined }, granted),
    remove: ({ id }) => flows.remove(id),
    reload: ({ id }) => flows.reload(id),
    text: ({ id }) => flows.text(id),
    save: ({ id, text }) => flows.save(id, text),
    start: ({ id, elementLimit }) => flows.start(id, elementLimit === null ? {} : { elementLimit }),
    pause: ({ id }) => flows.pause(id),
    resume: ({ id }) => flows.resume(id),
    drain: async ({ id }) => endOf(await flows.drain(id)),
    cancel: async ({ id }) => endOf(await flows.cancel(id)),
    setLevel: ({ id, level, traceRate }) => flows.setLevel(id, level, traceRate),
    watchTrace: ({ id }, push) => {
      const stop = flows.watchTrace(id, (spans) => push(spans, 0))
      push(flows.trace(id), 0)
      return stop
    },
  }
}

/** An end as the window is told of it: its figures are in the view. */
function endOf({ state, failure, leaked }: FlowEnd): Pick<FlowEnd, 'state' | 'failure' | 'leaked'> {
  return { state, failure, leaked }
}
