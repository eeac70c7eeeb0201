/** `paddock inspect` and `paddock check`: look at a component or bundle without running it. */
import path from 'node:path'
import { toErrorReport } from '../shared/errors.ts'
import { checkDeciderBundle, type DeciderCheckOptions } from './decider-check.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { createHeadlessEngine } from './headless-engine.ts'
import type { Output } from './output.ts'

/** Prints contract, imports, exports, limits and the verdict. Exit 2 when the component cannot be loaded. */
export async function inspect(component: string, version: string, output: Output): Promise<number> {
  const headless = await createHeadlessEngine({ version, stateDir: null, settings: {} })
  const { engine } = headless
  try {
    await engine.start()
    const report = await engine.modules.describe(path.resolve(component))
    const lines = [
      component,
      `  sha256    ${report.sha256}`,
      `  size      ${report.sizeBytes} bytes`,
      `  contract  ${report.contract === null ? 'none' : `${report.contract.title} (${report.contract.world})`}`,
      `  imports   ${report.imports.join(', ') || 'none'}`,
      `  exports   ${report.exports.join(', ') || 'none'}`,
      `  verdict   ${report.verdict.ok ? 'loads' : `${report.verdict.error.code}: ${report.verdict.error.message}`}`,
    ]
    output.result(report, lines.join('\n'))
    return report.verdict.ok ? exitCodes.ok : exitCodes.badInput
  } catch (error) {
    const fault = toErrorReport(error)
    output.error(fault)
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  } finally {
    await headless.close()
  }
}

/** Checks manifest, hash, capabilities and contract, compiles, instantiates and runs `init` on an empty store. */
export async function check(
  bundle: string,
  version: string,
  options: DeciderCheckOptions,
  output: Output,
): Promise<number> {
  const headless = await createHeadlessEngine({ version, stateDir: null, settings: {} })
  const { engine } = headless
  try {
    await engine.start()
    if (await engine.deciderChecks.isDecider(path.resolve(bundle))) {
      const passed = await checkDeciderBundle(engine, bundle, options, (line) => output.raw(line))
      return passed ? exitCodes.ok : exitCodes.moduleFailed
    }
    const request = await engine.modules.inspect(path.resolve(bundle), {})
    const steps: { step: string; ok: boolean; note: string }[] = [
      { step: 'manifest', ok: true, note: `${request.name} ${request.version}` },
      {
        step: 'digest',
        ok: true,
        note: request.pinned ? 'matches its pin' : `unpinned, sha256:${request.componentSha256}`,
      },
      { step: 'contract', ok: true, note: `${request.contract.title} (${request.contract.world})` },
      {
        step: 'capabilities',
        ok: true,
        note: request.asks.map((ask) => ask.capability).join(', ') || 'none',
      },
    ]
    await engine.modules.tryOut(request.requestId)
    steps.push({ step: 'init', ok: true, note: 'compiled, instantiated and initialised on an empty store' })
    const text = [
      ...steps.map(({ step, note }) => `ok    ${step.padEnd(13)} ${note}`),
      ...request.warnings.map((warning) => `warn  ${warning}`),
    ]
    output.result({ ok: true, steps, warnings: request.warnings }, text.join('\n'))
    return exitCodes.ok
  } catch (error) {
    const fault = toErrorReport(error)
    output.result({ ok: false, error: fault }, `fail  ${fault.code}: ${fault.message} ${fault.remedy}`)
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  } finally {
    await headless.close()
  }
}
