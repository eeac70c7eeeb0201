/** Ends the host calls of a guest call with it (spec nexum-host 13). */

export class CallSignals {
  private readonly open = new Map<number, AbortController>()
  /** For what belongs to no call that is known; ends with the process. */
  private readonly others = new AbortController()

  /** A guest call begins whose host calls may be aborted. */
  begin(call: number): void {
    this.open.set(call, new AbortController())
  }

  of(call: number): AbortSignal {
    return (this.open.get(call) ?? this.others).signal
  }

  /** The guest call is over: nobody is there any more to take an answer. */
  end(call: number): void {
    const controller = this.open.get(call)
    this.open.delete(call)
    controller?.abort()
  }

  endAll(): void {
    for (const call of [...this.open.keys()]) this.end(call)
    this.others.abort()
  }
}
