import { z } from 'zod'

// zod compiles object parsers with `new Function`, which the page's content security policy forbids. It probes for
// that when the first schema is made, so this module must be imported before any schema.
z.config({ jitless: true })
