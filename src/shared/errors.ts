/**
 * The one error hierarchy of Paddock.
 *
 * Code never matches on message text: it matches on `code`, a stable
 * `group.reason` identifier (DESIGN.md, "Errors"). Every error says what is
 * wrong (`message`), and, where the operator can do something, what (`remedy`).
 */
import { actorErrorRemedies } from './contracts/actor-errors.ts'
import { flowErrorRemedies } from './contracts/flow-errors.ts'
import { secretErrorRemedies } from './contracts/secret-errors.ts'
import { toolErrorRemedies } from './contracts/tool-errors.ts'

/** Every code Paddock can raise, with the remedy shown unless the error brings a better one. */
export const errorCodes = {
  'bundle.not_found': 'Check the path, or load the folder or .wasm file again.',
  'bundle.no_component': 'A bundle holds a manifest and the component it names, usually module.wasm.',
  'bundle.unsafe_archive': 'Ask the author for an archive without links, absolute paths or "..".',
  'bundle.too_large': 'A component may be at most 64 MiB; ask the author for a smaller build.',
  'manifest.missing': 'Add a paddock.toml beside the component, or load the .wasm alone with no grants.',
  'manifest.unreadable': 'Check the permissions of the file.',
  'manifest.syntax': 'Correct the TOML at the place named.',
  'manifest.unknown_key': 'Remove the key or correct its spelling.',
  'manifest.wrong_type': 'Correct the value at the place named.',
  'manifest.bad_name': 'Use a name without slashes, "..", or blanks at its ends.',
  'manifest.unknown_capability': 'Use one of the capabilities listed.',
  'manifest.capability_conflict': 'Name each capability in one list only.',
  'manifest.bad_subscription': 'Correct the subscription named.',
  'manifest.bad_digest': 'Give the digest as "sha256:" and 64 hexadecimal digits.',
  'manifest.ambiguous': 'Keep one manifest only.',
  'component.not_wasm': 'Load a WebAssembly component (.wasm).',
  'component.core_module':
    'Turn the core module into a component, for instance with "jco new" or "wasm-tools component new".',
  'component.truncated': 'Copy or build the file again; it ends before its contents do.',
  'component.malformed': 'Build the component again with a current toolchain.',
  'component.digest_mismatch':
    'The file is not the one the manifest pins. Get the right file, or correct the pin if you trust this one.',
  'component.unknown_imports':
    'The component needs interfaces that Paddock does not provide; ask its author which host it is for.',
  'component.invalid_world': 'The component exports no contract that Paddock knows.',
  'component.unsupported_dialect':
    'The component was built against other shapes of these interfaces; ask for a build for the version listed.',
  'component.capability_violation': 'Add the capability to the manifest, or rebuild without the import.',
  'component.capability_unavailable':
    'Provide the capability in the settings, or use a module that does not need it.',
  'compiler.failed':
    'Build the component again with a current toolchain; if it persists, report it with the file.',
  'compiler.crashed':
    'Load the module again; if it persists, the component cannot be compiled on this machine.',
  'compiler.timeout': 'Load the module again; if it persists, the component is too complex.',
  'compiler.unsupported_opcode': 'Build the component without the WebAssembly feature named.',
  'compiler.over_limit': 'Raise the memory limit of the module, or ask its author for a smaller build.',
  'compiler.cancelled': 'Nothing to do: the compilation was called off.',
  'compiler.cache_unwritable': 'Make room on the disk, or make the state directory writable.',
  'module.duplicate': 'Unload the other module of this name first, or rename one of them.',
  'module.unknown': 'The module is not loaded. Choose one from the list.',
  'module.not_running': 'Start the module first.',
  'module.must_stop': 'Stop the module first.',
  'module.busy': 'Wait until what runs on the module is done.',
  'module.consent_required': 'Review what the module asks for and allow or refuse it.',
  'module.init_rejected': 'Correct the configuration the module refused, then reload it.',
  'module.poisoned': 'Look at the last errors, then revive or remove the module.',
  'module.chain_not_configured': 'Add an endpoint for the chain on the Chains page.',
  'module.not_asked': 'Grant what the module asks for in its manifest.',
  'module.bad_limits': 'Choose a value within the bounds named.',
  'query.too_large': 'Ask in less than 4 MiB.',
  'sandbox.launch_failed':
    'Restart the module; if it persists, check memory and process limits of this machine.',
  'sandbox.start_timeout': 'Restart the module; this machine may be overloaded.',
  'sandbox.exited': 'The module is restarted by itself; look at its log for the cause.',
  'sandbox.stopped': 'Start the module again when it is wanted.',
  'sandbox.unresponsive': 'The module is restarted by itself.',
  'sandbox.protocol': 'The sandbox sent what it must not; the module is restarted.',
  'sandbox.trap': 'The module failed by its own fault; tell its author.',
  'sandbox.out_of_fuel': 'Raise the fuel limit of the module, or tell its author.',
  'sandbox.out_of_memory': 'Raise the memory limit of the module, or tell its author.',
  'sandbox.stack_overflow': 'The module recursed too deeply; tell its author.',
  'sandbox.deadline': 'Raise the time limit of the module, or look which host call was slow.',
  'sandbox.cancelled': 'Nothing to do: the caller went away.',
  'sandbox.instantiate_failed': 'Build the component again, or tell its author.',
  'decider.not_a_component':
    'Turn the core module into a component, for instance with "wasm-tools component new".',
  'decider.missing_export': 'A decider exports trogon:decider/handler@0.3.0; build it against that package.',
  'decider.unsupported_version': 'Build the decider against trogon:decider@0.3.0.',
  'decider.invalid_suite': 'Correct the suite at the place named.',
  'decider.forbidden_import':
    'A decider imports nothing: build it without the imports named (for JavaScript, with WASI stubs).',
  'decider.invalid_descriptor': 'Correct the field named in the descriptor of the decider.',
  'decider.descriptor_failed':
    'Tell the author of the decider: its descriptor must work on a fresh instance, always alike.',
  'decider.identity_mismatch': 'Load the build that was asked for, or correct what is asked for.',
  'decider.duplicate_route':
    'Retire the command type of the other decider first, or activate with a confirmed takeover.',
  'decider.malformed_request': 'Correct the part of the command that is named.',
  'decider.unroutable': 'Load and activate a decider that declares this command type.',
  'decider.overloaded': 'Send the command again a little later.',
  'decider.principal_missing': 'Say who sends the command.',
  'decider.principal_refused': 'Send the command with other credentials.',
  'decider.precondition_unsatisfiable':
    'Leave the expected revision out, or correct it: no retry can fulfil it.',
  'decider.conflict':
    'The stream changed meanwhile: look at it, and send the command again if it still holds.',
  'decider.command_id_reused': 'Use a new id for another command.',
  'decider.rejected': 'The rules of the decider say no; change the command.',
  'decider.faulted': 'The decider reported a failure of its own; tell its author.',
  'decider.stream_id_failed': 'The decider cannot tell the stream of this command; check the payload.',
  'decider.evolve_failed': 'The decider cannot read an event of its own stream; tell its author.',
  'decider.empty_decision':
    'The decider accepted the command without an event, which its contract forbids; tell its author.',
  'decider.contract_violation': 'The decider broke the rule named; tell its author.',
  'decider.limit_exceeded': 'Make what is named smaller.',
  'decider.replay_limit': 'Let the decider snapshot more often, or raise its replay limit.',
  'decider.snapshot_untrusted': 'Delete the snapshot; the stream is then replayed in full.',
  'guest.error': 'The module itself answered with an error; its state was rolled back.',
  'store.open_failed': 'Check that the state directory can be written and has room.',
  'store.corrupt': 'The damaged file was kept aside. Restore a backup or start with an empty store.',
  'store.foreign': 'The file belongs to another program or module. Move it away.',
  'store.full': 'Make room on the disk.',
  'store.read_only': 'Make the state directory writable.',
  'store.busy': 'Another program holds the file; close it.',
  'store.quota_exceeded': 'Raise the store limit of the module, or purge its store.',
  'store.io': 'Check the disk.',
  'store.unavailable': 'Check that the event server is running and can be reached, then try again.',
  'store.duplicate_event': 'An event of this id is there already; look whether the command was carried out.',
  'store.import_mismatch': 'Import into an empty store, from an export that was not edited.',
  'store.too_large': 'Raise max_payload of the event server, or let the module decide less at once.',
  'chain.unknown': 'Add an endpoint for the chain on the Chains page.',
  'chain.unreachable': 'Check the address and that the node is running.',
  'chain.timeout': 'Check the node, or use another endpoint.',
  'chain.wrong_chain': 'Correct its address or the chain id.',
  'chain.not_json_rpc': 'The address answers, but not with JSON-RPC. Check the path and the key.',
  'chain.closed': 'The node closed the connection; Paddock reconnects by itself.',
  'chain.rate_limited': 'Use another endpoint or a plan with a higher limit.',
  'chain.bad_endpoint': 'Use a full http, https, ws or wss address.',
  'messaging.node_away': 'Check the node and its address in the settings; Paddock reconnects by itself.',
  'chain.rpc_error': 'The node answered with an error; the module sees it too.',
  'gate.busy': 'Try again in a moment; this machine runs as much at once as it may.',
  'identity.bad_key': 'Give 64 hexadecimal digits, or the text of a version 3 key file.',
  'identity.bad_key_file': 'Use a Web3 Secret Storage file of version 3 as wallets write them.',
  'identity.wrong_passphrase': 'Try again with the passphrase of this account.',
  'identity.weak_passphrase': 'Choose a longer passphrase.',
  'identity.unknown_account': 'Choose an account from the list.',
  'identity.duplicate_account': 'Unlock the account that is there, or remove it first.',
  'identity.keystore_unusable': 'Make the keystore folder readable and writable.',
  'identity.test_key_refused': 'Enable the test key explicitly, or take it out of the settings.',
  'identity.approval_waiting': 'Look at what is to be signed, and approve or refuse it.',
  'identity.approval_gone': 'It was answered already, or its time was over.',
  'governor.limit_exceeded': 'Wait until the period of the limit ends, or raise the limit.',
  'governor.ledger_unusable':
    'Put the budget ledger named back in order, or set it aside and begin a new one.',
  'governor.invalid_estimate': 'This is a fault of Paddock; report it with the log.',
  'governor.unknown_reservation': 'This is a fault of Paddock; report it with the log.',
  'governor.reservation_mismatch': 'This is a fault of Paddock; report it with the log.',
  'governor.requires_approval': 'Let a person confirm the call, or raise the limit.',
  'governor.reservation_closed': 'Nothing to do: what was used has been counted.',
  'content.bad_reference': 'Write sha256:…, bzz:…, ipfs:…, oci:…@sha256:… or https://…#sha256=….',
  'content.unpinned': 'Add #sha256= with the digest of the file, or pin the component in engine.toml.',
  'content.no_source': 'Add a source under [[content.sources]].',
  'content.not_found': 'Ask the publisher for the address of what is there now.',
  'content.unreachable': 'Check the address and the connection; it is tried again at the next load.',
  'content.too_large': 'Ask the publisher for a smaller archive.',
  'content.mismatch': 'Do not use it: what was fetched is not what was named. Try another source.',
  'discovery.failed': 'Check the name, the contract and the endpoint of its chain.',
  'discovery.unsupported': 'Ask the publisher for a record with a Swarm or IPFS address.',
  'devnet.unavailable': 'Install the project dependencies again; they bring the local devnet.',
  'devnet.failed': 'Look at the devnet output; another program may hold its port.',
  'settings.corrupt': 'The broken file was kept aside and the defaults were loaded.',
  'settings.invalid': 'Correct the file at the place named.',
  'settings.unknown_key': 'Remove the key or correct its spelling.',
  'settings.env_missing': 'Set the variable in the environment, or write the value itself.',
  'settings.env_name': 'Names of variables have capital letters, digits and underscores.',
  'settings.env_unclosed': 'Close it with "}", or write \\u0024{ for the characters themselves.',
  'settings.unwritable': 'Make the settings folder writable.',
  'state.unwritable': 'Choose a state directory that can be written and has room.',
  'state.corrupt': 'The damaged file was kept aside; what it held begins anew.',
  'state.safe_mode': 'Look at the log, then start the modules, or start them one by one.',
  'state.locked': 'Another Paddock uses this state directory. Stop it or choose another.',
  'usage.invalid': 'See paddock --help.',
  'ipc.invalid_input': 'This is a fault of the console; report it.',
  'ipc.forbidden': 'This is a fault of the console; report it.',
  'ipc.timeout': 'Try again; if it persists, the engine is overloaded.',
  'internal.bug': 'This is a fault of Paddock; report it with the log.',
  ...actorErrorRemedies,
  ...flowErrorRemedies,
  ...secretErrorRemedies,
  ...toolErrorRemedies,
} as const

export type ErrorCode = keyof typeof errorCodes

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text)
}

/** An error as it crosses a process boundary: data only. */
export interface ErrorReport {
  readonly code: ErrorCode
  /** What is wrong and where, for people. Never holds a secret or an endpoint's credentials. */
  readonly message: string
  /** What the operator can do. */
  readonly remedy: string
  /** Facts a program may use, by the code's own convention. Plain JSON. */
  readonly details?: Readonly<Record<string, unknown>>
}

export interface PaddockErrorOptions {
  readonly remedy?: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The base of every error Paddock raises on purpose. */
export class PaddockError extends Error {
  readonly code: ErrorCode
  readonly remedy: string
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, options: PaddockErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PaddockError'
    this.code = code
    this.remedy = options.remedy ?? errorCodes[code]
    this.details = options.details
  }

  toReport(): ErrorReport {
    return {
      code: this.code,
      message: this.message,
      remedy: this.remedy,
      ...(this.details === undefined ? {} : { details: this.details }),
    }
  }

  static fromReport(report: ErrorReport): PaddockError {
    return new PaddockError(report.code, report.message, {
      remedy: report.remedy,
      ...(report.details === undefined ? {} : { details: report.details }),
    })
  }
}

/**
 * Any thrown value as a report. What was not raised on purpose becomes `internal.bug`
 * unless the caller names a better code.
 */
export function toErrorReport(thrown: unknown, fallback: ErrorCode = 'internal.bug'): ErrorReport {
  if (thrown instanceof PaddockError) return thrown.toReport()
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return { code: fallback, message, remedy: errorCodes[fallback] }
}
