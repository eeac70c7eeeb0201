// Stands in for Electron's own default_app, which a packaged distribution lacks: starts the project named
// by the first argument that is not an option.
const { readFileSync } = require('node:fs')
const { join, resolve } = require('node:path')
const { app } = require('electron')

const project = resolve(process.argv.slice(1).find((argument) => !argument.startsWith('-')) ?? '.')
const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))

process.defaultApp = true
app.setName(manifest.productName ?? manifest.name)
app.setVersion(manifest.version ?? '0.0.0')
app.setAppPath(project)
app.setPath('userData', join(app.getPath('appData'), app.getName()))
require(join(project, manifest.main ?? 'index.js'))
