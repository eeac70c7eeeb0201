/** Secrets for tools on the command line: named with the file that holds each, never as an argument (spec tools 5). */
import { readFile } from 'node:fs/promises'
import { secretNameSchema } from '../shared/contracts/tool.ts'
import { PaddockError } from '../shared/errors.ts'

export interface SecretFile {
  readonly name: string
  readonly file: string
}

/** `name=file`, or `name=-` for standard input. Throws `usage.invalid`. */
export function parseSecretFile(text: string): SecretFile {
  const [, name = '', file = ''] = /^([^=]+)=@?(.+)$/s.exec(text) ?? []
  if (file !== '' && secretNameSchema.safeParse(name).success) return { name, file }
  throw new PaddockError(
    'usage.invalid',
    `"${name || text.slice(0, 64)}" does not name a secret and its file, as in api_key=key.txt.`,
  )
}

/** Bytes of a secret, one line break at the end left out. Throws `usage.invalid`. */
export async function readSecret({ name, file }: SecretFile): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = file === '-' ? await readAll(process.stdin) : await readFile(file)
  } catch (cause) {
    throw new PaddockError('usage.invalid', `The file of the secret ${name} cannot be read.`, { cause })
  }
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1) : bytes
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
