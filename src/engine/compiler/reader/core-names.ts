/** Judges the names by which a core module is wired: they stand in the generated JavaScript. */
import { ByteReader } from './byte-reader.ts'
import { checkPreamble } from './component.ts'
import { skipImport } from './core-types.ts'

const importSection = 2
const exportSection = 7
/** Mangled names of C++ templates reach thousands of bytes. */
const maxCoreNameBytes = 100_000

/** Checks the names of all imports and exports of the core module in `bytes`. Throws `component.malformed` and `component.truncated`. */
export function checkCoreNames(bytes: Uint8Array): void {
  const reader = new ByteReader(bytes, 0)
  checkPreamble(reader, [0x01, 0x00, 0x00, 0x00])
  while (reader.position < reader.end) {
    const id = reader.u8()
    reader.within(reader.u32(), () => {
      if (id !== importSection && id !== exportSection) {
        reader.skip(reader.end - reader.position)
        return
      }
      for (let count = reader.count(); count > 0; count--) {
        reader.text(maxCoreNameBytes)
        if (id === importSection) {
          reader.text(maxCoreNameBytes)
          skipImport(reader)
        } else {
          reader.u8()
          reader.u32()
        }
      }
    })
  }
}
