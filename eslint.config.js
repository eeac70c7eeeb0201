import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'

const tests = ['**/*.test.ts', 'test/**/*.ts']
const neverBlocks = ['src/main/**/*.ts', 'src/engine/**/*.ts']
const withTypes = ['**/*.ts', '**/*.svelte']

const syncMessage =
  'The main thread never blocks: use the asynchronous form, or disable this rule for the file with a reason.'

export default ts.config(
  {
    ignores: [
      'out/',
      'node_modules/',
      '.cache/',
      'test-results/',
      'playwright-report/',
      '**/planted/',
      '*.config.ts.*.mjs',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: withTypes,
    extends: [ts.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // A class is how an abstract interface with one asynchronous and one immediate implementation is met.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.svelte'],
    rules: {
      'max-lines': ['error', { max: 320, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
    },
  },
  {
    files: ['src/cli/**/*.ts', 'src/**/logger.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: neverBlocks,
    // A thread or a process of its own may wait: it holds up nobody else.
    ignores: [...tests, '**/*-thread.ts', '**/*-process.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                'fs',
                'node:fs',
                'child_process',
                'node:child_process',
                'zlib',
                'node:zlib',
                'node:crypto',
              ],
              importNamePattern: 'Sync$',
              message: syncMessage,
            },
          ],
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'MemberExpression[object.name=/^(fs|nodeFs|zlib|crypto|childProcess|child_process)$/][property.name=/Sync$/]',
          message: syncMessage,
        },
      ],
    },
  },
  {
    files: tests,
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'max-lines': 'off',
    },
  },
  svelte.configs['flat/recommended'],
  svelte.configs['flat/prettier'],
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], projectService: true },
    },
    // `svelte/prefer-const` knows that `let { … } = $props()` is meant.
    rules: {
      'prefer-const': 'off',
      'svelte/prefer-const': 'error',
      // State holds immutable sets and maps in $state.raw and replaces them whole.
      'svelte/prefer-svelte-reactivity': 'off',
      // Takes the words of a reason for names of warnings; every suppression must have a reason.
      'svelte/no-unused-svelte-ignore': 'off',
    },
  },
  {
    files: ['**/*.svelte'],
    // ESLint sees the properties of another component as `any`; svelte-check knows and checks their types.
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: globals.node },
    rules: {
      eqeqeq: 'error',
      'no-undef': 'error',
      'no-unused-vars': ['error', { varsIgnorePattern: '^_' }],
      'prefer-const': 'error',
    },
  },
  { rules: { eqeqeq: ['error', 'always'], 'no-var': 'error' } },
)
