/** The engine's settings as a file, in memory: an import changes what the next export answers. */
import type { ConfigChange } from '../../shared/ipc/groups/config.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { PaddockHandlers } from '../../shared/ipc/schema.ts'

function pairs(text: string): Map<string, string> {
  const found = new Map<string, string>()
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '') return
    const [key = '', value] = line.split(' = ')
    if (value === undefined) {
      throw new PaddockError('settings.invalid', `Line ${index + 1} is no key and value.`)
    }
    found.set(key.trim(), value.trim())
  })
  return found
}

export class ConfigDouble {
  text = 'limits.fuel_per_event = 1000000000\nlimits.memory_bytes = 67108864\n'

  readonly handlers: PaddockHandlers['config'] = {
    export: () => ({ text: this.text }),
    import: ({ text, apply }) => {
      const [before, after] = [pairs(this.text), pairs(text)]
      const changes: ConfigChange[] = [...after].flatMap(([key, value]) =>
        before.get(key) === value ? [] : [{ key, before: before.get(key) ?? null, after: value }],
      )
      if (apply) this.text = [...new Map([...before, ...after])].map((pair) => pair.join(' = ')).join('\n')
      return { changes, modulesToLoad: [], applied: apply }
    },
  }
}
