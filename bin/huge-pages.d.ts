// The types of huge-pages.js, for TypeScript that imports it.

export function withHugePages(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv
