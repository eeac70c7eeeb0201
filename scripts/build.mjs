#!/usr/bin/env node
// Builds the app and the example modules when their inputs changed: `npm run build`.
import { main } from './setup/main.mjs'
import { build } from './setup/build.mjs'

await main(build)
