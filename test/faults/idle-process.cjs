// Does nothing but measure how late its own main loop is; answers and ends when told to.
const { monitorEventLoopDelay } = require('node:perf_hooks')

const resolution = 2
const histogram = monitorEventLoopDelay({ resolution })
histogram.enable()
process.on('message', () => {
  const late = (ns) => Math.max(0, ns / 1e6 - resolution)
  process.send({ p99: late(histogram.percentile(99)), max: late(histogram.max) }, () => process.exit(0))
})
process.on('disconnect', () => process.exit(0))
process.send('ready')
