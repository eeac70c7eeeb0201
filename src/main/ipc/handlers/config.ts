import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import type { HandlerContext } from './context.ts'

export function configHandlers({ engine }: HandlerContext): PaddockHandlers['config'] {
  return {
    export: () => ({ text: engine.config.export() }),
    import: ({ text, apply }) => engine.config.import(text, apply),
  }
}
