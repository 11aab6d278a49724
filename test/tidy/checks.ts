// What the house keeps to, as functions from files to what is wrong with them, one line each.

import { posix } from 'node:path'

/** A file's path from the root of the repository, and what is in it. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}
export type Check = (files: readonly SourceFile[]) => string[]

// --- rooms
// ----------------------------------------------------------------------------------------

/** Rooms of src from top to bottom; those of one row are siblings. */
const ROOMS: readonly (readonly string[])[] = [
  ['main'],
  ['cli'],
  ['config'],
  ['index', 'exchange', 'book', 'durable', 'client', 'restoring', 'state-bytes'],
  ['gateway', 'actors'],
  ['engine', 'persistence'],
  ['protocol'],
  ['lib'],
]
/** Files of one row that may import each other: the entries are files, not folders. */
const ENTRIES = new Set(['index', 'exchange', 'book', 'durable', 'restoring', 'state-bytes'])

/** The actors' runtime, which would make sense in a program that trades nothing. */
const RUNTIME = new Set(
  [
    'control',
    'doorbell',
    'gathering',
    'inlet',
    'marks',
    'merge',
    'outlet',
    'placement',
    'ring',
  ].map((name) => `src/actors/${name}.ts`),
)

/** The room of a file under src: its folder, or its own name at the top. */
function roomOf(path: string): string {
  const [, first] = path.split('/')
  return first.replace(/\.ts$/, '')
}

const rankOf = (room: string): number => ROOMS.findIndex((row) => row.includes(room))

/**
 * Imports point down, siblings do not import each other, the book knows no accounts, and the
 * actors' runtime knows `lib` alone.
 */
export const importsPointDown: Check = (files) =>
  files.flatMap(({ path, text }) => {
    const from = roomOf(path)
    if (rankOf(from) < 0) return [`${path}: ${from} is no room; add it to ROOMS`]
    return relativeImports(path, text).flatMap((target) => {
      const to = roomOf(target)
      const wrong = `${path} imports ${target}`
      if (!target.startsWith('src/')) return [`${wrong}, outside src`]
      if (rankOf(to) < 0) return [`${wrong}: ${to} is no room`]
      const isEntry = ENTRIES.has(from) && ENTRIES.has(to)
      if (from !== to && rankOf(to) <= rankOf(from) && !isEntry) return [`${wrong}: not down`]
      const isOtherPart = /^src\/engine\/(account|risk)\//.test(target)
      if (path.startsWith('src/engine/book/') && isOtherPart) return [`${wrong}: not a book's`]
      const isRuntimes = target.startsWith('src/lib/') || RUNTIME.has(target)
      if (RUNTIME.has(path) && !isRuntimes) return [`${wrong}: not the runtime's`]
      return []
    })
  })

/**
 * Relative imports name the file, with its ending: .ts, but for bin/, which any Node can start, and
 * what k6 runs, which is no Node.
 */
export const importsEndInTs: Check = (files) =>
  files.flatMap(({ path, text }) =>
    importsOf(text)
      .filter((target) => target.startsWith('.') && !target.endsWith('.ts'))
      .filter((target) => !(/^load\/k6\/.*\.js$/.test(path) && target.endsWith('.js')))
      .filter((target) => !posix.join(posix.dirname(path), target).startsWith('bin/'))
      .map((target) => `${path} imports ${target} without .ts`),
  )

/** `lib` and `protocol` stand on the language alone. */
export const foundationsImportNoPackage: Check = (files) =>
  files
    .filter(({ path }) => /^src\/(lib|protocol)\//.test(path))
    .flatMap(({ path, text }) =>
      importsOf(text)
        .filter((target) => !target.startsWith('.'))
        .map((target) => `${path} imports ${target}`),
    )

function importsOf(text: string): string[] {
  const code = withoutComments(text)
  const from = code.matchAll(/^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm)
  const bare = code.matchAll(/\bimport\s*\(?\s*['"`]([^'"`]+)['"`]/g)
  return [...from, ...bare].map((match) => match[1])
}

function relativeImports(path: string, text: string): string[] {
  return importsOf(text)
    .filter((target) => target.startsWith('.'))
    .map((target) => posix.join(posix.dirname(path), target))
}

// --- the engine
// -----------------------------------------------------------------------------------

/** What would make the engine depend on more than its commands. */
const IMPURE = new RegExp(
  [
    String.raw`\b(Date|performance|process|console|crypto|fetch|Intl|eval|require|globalThis)\b`,
    String.raw`\b(async|await|Promise|queueMicrotask|Worker|Atomics|WeakRef)\b`,
    String.raw`\b(FinalizationRegistry|set(Timeout|Interval|Immediate)|toLocale\w*)\b`,
    String.raw`\bMath\s*\.\s*random\b|\bimport\.meta\b`,
  ].join('|'),
)

/** The engine is a function of its commands: no I/O, clock, randomness or `async`. */
export const engineIsPure: Check = (files) =>
  files
    .filter(({ path }) => path.startsWith('src/engine/'))
    .flatMap(({ path, text }) => {
      const packages = importsOf(text).filter((target) => !target.startsWith('.'))
      const words = withoutStrings(withoutComments(text))
        .split('\n')
        .flatMap((line, i) => {
          const word = IMPURE.exec(line)?.[0]
          return word === undefined ? [] : [`${path}:${i + 1}: ${word}`]
        })
      return [...packages.map((target) => `${path} imports ${target}`), ...words]
    })

/** No try/catch in the core: a refusal is a value, a fault ends the program. */
export const engineCatchesNothing: Check = (files) =>
  files
    .filter(({ path }) => path.startsWith('src/engine/'))
    .filter(({ text }) =>
      /\b(try|catch|finally)\b\s*[{(]/.test(withoutStrings(withoutComments(text))),
    )
    .map(({ path }) => `${path} has a try or catch`)

// --- files and lines
// ------------------------------------------------------------------------------

const COLUMNS_MAX = 100
const LINES_MAX = 500

export const linesFit: Check = (files) =>
  files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) =>
        [...line].length <= COLUMNS_MAX ? [] : [`${path}:${i + 1}: ${[...line].length} columns`],
      ),
  )

/** Files of src up to 500 lines, but for `exceptions`, which must be longer. */
export const filesFit =
  (exceptions: ReadonlyMap<string, string>): Check =>
  (files) =>
    files.flatMap(({ path, text }) => {
      const lines = text.split('\n').length - 1
      if (exceptions.has(path)) return lines > LINES_MAX ? [] : [`${path} is no exception any more`]
      return lines <= LINES_MAX ? [] : [`${path} has ${lines} lines`]
    })

export const filesSayTheirRole: Check = (files) =>
  files
    .filter(({ text }) => !/^(#!.*\n)?(\/\/ \S.{20,}|\/\*\*?[ \n])/.test(text))
    .map(({ path }) => `${path} does not begin with a comment on its role`)

/** Erasable TypeScript only. */
export const noEnumOrNamespace: Check = (files) =>
  files.flatMap(({ path, text }) =>
    withoutStrings(withoutComments(text))
      .split('\n')
      .flatMap((line, i) => {
        const found = /^\s*(export\s+)?(declare\s+)?(const\s+)?(enum|namespace|module)\s+\w+\s*\{?/
        return found.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []
      }),
  )

/** Spelled so that this line is none of them. */
const LATER = /\b(TO{1}DO|FIX{1}ME|X{3})\b/

/** Something left for later needs an issue, not a comment. */
export const nothingLeftForLater: Check = (files) =>
  files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) => (LATER.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  )

// --- documents
// ------------------------------------------------------------------------------------

/** Relative links point at files that `exists` knows, and at headings that are there. */
export const linksResolve =
  (exists: (path: string) => boolean): Check =>
  (files) =>
    files.flatMap(({ path, text }) => {
      const prose = text.replaceAll(/^( {4}|\t).*$/gm, '').replaceAll(/```[\s\S]*?```/g, '')
      const links = prose.replaceAll(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)[^)]*\)/g)
      return [...links].flatMap(([, link]) => {
        if (/^[a-z]+:/.test(link)) return []
        const [target, anchor] = link.split('#')
        const to = target === '' ? path : posix.join(posix.dirname(path), target)
        if (!exists(to)) return [`${path}: ${link} points at nothing`]
        const headed = files.find((file) => file.path === to)
        if (anchor === undefined || headed === undefined) return []
        return anchorsOf(headed.text).has(anchor) ? [] : [`${path}: ${link} has no such heading`]
      })
    })

/** Headings as GitHub names them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ +(.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
  return new Set(headings)
}

// --- code without what is no code
// -----------------------------------------------------------------

/**
 * Comments as blanks; lines stay where they are. Knows strings, templates and regular expressions.
 */
export function withoutComments(text: string): string {
  return text.replaceAll(TOKENS, (token) =>
    token.startsWith('//') || token.startsWith('/*') ? token.replaceAll(/[^\n]/g, ' ') : token,
  )
}

/**
 * The insides of plain strings and regular expressions as blanks; templates stay, they hold code.
 */
export function withoutStrings(code: string): string {
  return code.replaceAll(TOKENS, (token) =>
    token.startsWith("'") || token.startsWith('"') || /^\/[^/*]/.test(token)
      ? token[0] + token.slice(1, -1).replaceAll(/[^\n]/g, ' ') + token.at(-1)
      : token,
  )
}

const TOKENS = new RegExp(
  [
    String.raw`\/\/[^\n]*`,
    String.raw`\/\*[\s\S]*?\*\/`,
    String.raw`'(?:[^'\\\n]|\\.)*'`,
    String.raw`"(?:[^"\\\n]|\\.)*"`,
    '`(?:[^`\\\\]|\\\\.)*`',
    String.raw`(?<=[(=,:[!&|?{};\n]\s*)\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*`,
  ].join('|'),
  'g',
)
