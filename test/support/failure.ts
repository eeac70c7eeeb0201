import { PaddockError } from '../../src/shared/errors.ts'

/** The error on purpose that `run` throws; throws itself when there is none or another. */
export function failureOf(run: () => unknown): PaddockError {
  try {
    run()
  } catch (error) {
    if (error instanceof PaddockError) return error
    throw error
  }
  throw new Error('Nothing was thrown.')
}
