// Large arrays on large pages: docs/decisions/0017-huge-pages.md.

const NAME = 'glibc.malloc.hugetlb'

/**
 * The environment in which glibc asks Linux for huge pages for large memory. It is read when a
 * process starts, so it is for one that is to be started. What is set already stays as it is; other
 * systems take no notice.
 */
export function withHugePages(environment) {
  const set = environment.GLIBC_TUNABLES ?? ''
  if (set.includes(NAME)) return environment
  return { ...environment, GLIBC_TUNABLES: `${set === '' ? '' : `${set}:`}${NAME}=1` }
}
