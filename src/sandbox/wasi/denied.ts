/** `wasi:filesystem` and `wasi:sockets`: there, and powerless (spec nexum-host 2.2). */
import { deny, denyMethods, PowerlessResource } from './error-side.ts'

/** No descriptor is ever handed out: there are no preopens. */
class Descriptor extends PowerlessResource {}
class DirectoryEntryStream extends PowerlessResource {}
class Network extends PowerlessResource {}
class TcpSocket extends PowerlessResource {}
class UdpSocket extends PowerlessResource {}
class IncomingDatagramStream extends PowerlessResource {}
class OutgoingDatagramStream extends PowerlessResource {}
class ResolveAddressStream extends PowerlessResource {}

denyMethods(Descriptor, 'access', [
  'readViaStream',
  'writeViaStream',
  'appendViaStream',
  'advise',
  'syncData',
  'getFlags',
  'getType',
  'setSize',
  'setTimes',
  'read',
  'write',
  'readDirectory',
  'sync',
  'createDirectoryAt',
  'stat',
  'statAt',
  'setTimesAt',
  'linkAt',
  'openAt',
  'readlinkAt',
  'removeDirectoryAt',
  'renameAt',
  'symlinkAt',
  'unlinkFileAt',
  'isSameObject',
  'metadataHash',
  'metadataHashAt',
])
denyMethods(DirectoryEntryStream, 'access', ['readDirectoryEntry'])

const socketMethods = [
  'localAddress',
  'remoteAddress',
  'addressFamily',
  'receiveBufferSize',
  'setReceiveBufferSize',
  'sendBufferSize',
  'setSendBufferSize',
  'subscribe',
  'startBind',
  'finishBind',
]
const socketDenial = 'access-denied'
denyMethods(TcpSocket, socketDenial, [
  ...socketMethods,
  'startConnect',
  'finishConnect',
  'startListen',
  'finishListen',
  'accept',
  'isListening',
  'setListenBacklogSize',
  'keepAliveEnabled',
  'setKeepAliveEnabled',
  'keepAliveIdleTime',
  'setKeepAliveIdleTime',
  'keepAliveInterval',
  'setKeepAliveInterval',
  'keepAliveCount',
  'setKeepAliveCount',
  'hopLimit',
  'setHopLimit',
  'shutdown',
])
denyMethods(UdpSocket, socketDenial, [...socketMethods, 'stream', 'unicastHopLimit', 'setUnicastHopLimit'])
denyMethods(IncomingDatagramStream, socketDenial, ['receive', 'subscribe'])
denyMethods(OutgoingDatagramStream, socketDenial, ['checkSend', 'send', 'subscribe'])
denyMethods(ResolveAddressStream, socketDenial, ['resolveNextAddress', 'subscribe'])

const denySocket = (): never => deny(socketDenial)

export const deniedInterfaces: Readonly<Record<string, unknown>> = {
  'wasi:filesystem/types': { Descriptor, DirectoryEntryStream, filesystemErrorCode: () => undefined },
  'wasi:filesystem/preopens': { getDirectories: () => [] },
  'wasi:sockets/network': { Network, networkErrorCode: () => undefined },
  'wasi:sockets/instance-network': { instanceNetwork: () => new Network() },
  'wasi:sockets/tcp': { TcpSocket },
  'wasi:sockets/tcp-create-socket': { createTcpSocket: denySocket },
  'wasi:sockets/udp': { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream },
  'wasi:sockets/udp-create-socket': { createUdpSocket: denySocket },
  'wasi:sockets/ip-name-lookup': { ResolveAddressStream, resolveAddresses: denySocket },
}
