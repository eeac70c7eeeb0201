import { describe, expect, it } from 'vitest'
import { endClassSchema } from '../../shared/domain/module.ts'
import { PaddockError } from '../../shared/errors.ts'
import { classifyExit } from './fork-launcher.ts'
import type { ExitClass, ProcessExit } from './launcher.ts'
import { classifyEnd, describeEnd, endClassOf } from './process-end.ts'

const exitOf = (code: number | null, signal: string | null): ProcessExit => ({
  class: classifyExit(code, signal),
  code,
  signal,
})
const killed = exitOf(null, 'SIGKILL')

describe('the end of a sandbox', () => {
  it.each([
    [exitOf(0, null), 'sandbox.exited', 'clean', 'ended by itself without being asked to'],
    [exitOf(70, null), 'sandbox.exited', 'error', 'gave up by itself (exit code 70)'],
    [exitOf(null, 'SIGSEGV'), 'sandbox.exited', 'crash', 'crashed (SIGSEGV)'],
    [killed, 'sandbox.exited', 'killed', 'killed from outside (SIGKILL)'],
    [exitOf(null, 'SIGABRT'), 'sandbox.out_of_memory', 'oom', 'ran out of memory (SIGABRT)'],
    [
      { class: 'launch-failed', code: null, signal: null } as const,
      'sandbox.launch_failed',
      'launch-failed',
      'could not be started',
    ],
  ])('says in words how a process ended that we did not kill: %o', (exit, code, endClass, words) => {
    const report = describeEnd(exit, null)
    expect(report).toMatchObject({
      code,
      details: { class: endClass, exitCode: exit.code, signal: exit.signal },
    })
    expect(report.message).toContain(words)
    expect(report.remedy).not.toBe('')
  })

  it.each([
    ['sandbox.unresponsive', 'killed'],
    ['sandbox.protocol', 'killed'],
    ['sandbox.deadline', 'killed'],
    ['sandbox.stopped', 'killed'],
    ['sandbox.out_of_memory', 'oom'],
    ['sandbox.start_timeout', 'start-timeout'],
  ] as const)('prefers our own reason %s to the SIGKILL it took', (code, endClass) => {
    const reason = new PaddockError(code, 'Our own words.', { details: { kept: 1 } }).toReport()
    expect(describeEnd(killed, reason)).toMatchObject({
      code,
      message: 'Our own words.',
      details: { kept: 1, class: endClass, signal: 'SIGKILL' },
    })
  })

  it('knows the class again from its own report, for every class of the platform', () => {
    const classes: ExitClass[] = ['clean', 'error', 'crash', 'oom', 'killed', 'launch-failed']
    for (const each of classes) {
      const exit: ProcessExit = { class: each, code: 1, signal: null }
      expect(classifyEnd(exit, null)).toBe(each)
      expect(endClassOf(describeEnd(exit, null))).toBe(each)
    }
    expect([...classes, 'start-timeout'].sort()).toEqual([...endClassSchema.options].sort())
  })

  it('classes what a process outlives: a trap is an error of the guest, a full heap is out of memory', () => {
    const classOf = (code: 'sandbox.trap' | 'sandbox.out_of_memory' | 'sandbox.deadline', details?: object) =>
      endClassOf(
        new PaddockError(code, '', details === undefined ? {} : { details: { ...details } }).toReport(),
      )
    expect(classOf('sandbox.trap')).toBe('error')
    expect(classOf('sandbox.out_of_memory')).toBe('oom')
    expect(classOf('sandbox.deadline')).toBe('killed')
    expect(classOf('sandbox.trap', { class: 'nonsense' })).toBe('error')
  })
})
