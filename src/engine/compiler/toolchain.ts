/** What an artifact depends on beside its component: a change of either makes old artifacts useless. */

/** Raise whenever the compiler writes something else for the same component. */
export const compilerVersion = 4

/** The exact version of @bytecodealliance/jco-transpile; a test compares it with the installed one. */
export const transpilerVersion = '0.15.0'

export const toolchain = `paddock-compiler ${compilerVersion}, jco-transpile ${transpilerVersion}`
