// The bare mechanism under a bridged host call: a worker asks its process's main thread and sleeps until it answers.
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')

function answer(message) {
  if (process.parentPort) process.parentPort.postMessage(message)
  else process.send(message)
}

if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(__filename, { workerData: shared })
  worker.on('message', (message) => {
    if (message.done !== undefined) {
      answer({ us: message.done })
      return
    }
    Atomics.add(shared, 0, 1)
    Atomics.notify(shared, 0)
  })
  if (process.parentPort) process.parentPort.on('message', ({ data }) => worker.postMessage(data.hops))
  else process.on('message', ({ hops }) => worker.postMessage(hops))
} else {
  const shared = workerData
  parentPort.on('message', (hops) => {
    const began = performance.now()
    for (let hop = 0; hop < hops; hop += 1) {
      const seen = Atomics.load(shared, 0)
      parentPort.postMessage({ ask: hop })
      Atomics.wait(shared, 0, seen)
    }
    parentPort.postMessage({ done: ((performance.now() - began) * 1000) / hops })
  })
}
