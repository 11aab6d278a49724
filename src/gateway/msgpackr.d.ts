// Types for msgpackr's build without native code, which it publishes none for.

declare module 'msgpackr/index-no-eval' {
  export { Packr } from 'msgpackr'
}
