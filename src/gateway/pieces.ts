// Memory for many small messages that are kept for a while: cut from larger pieces, since memory
// for each of its own costs more than what is in it. Pieces are large enough for huge pages, where
// the process has them: the first touch of memory is what costs (docs/decisions/0017).

const PIECE_BYTES = 4 * 1024 * 1024
/** What is longer has memory of its own, so that little of a piece stays empty. */
const SHARED_BYTES_MAX = 64 * 1024

export class Pieces {
  private piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  private at = 0

  /** A copy of those bytes, which is the caller's to keep and not to change. */
  copy(from: Uint8Array, start: number, end: number): Uint8Array {
    const copy = this.memory(end - start)
    copy.set(from.subarray(start, end))
    return copy
  }

  private memory(length: number): Uint8Array {
    if (length > SHARED_BYTES_MAX) return Buffer.allocUnsafeSlow(length)
    if (this.at + length > PIECE_BYTES) {
      this.piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
      this.at = 0
    }
    this.at += length
    return this.piece.subarray(this.at - length, this.at)
  }
}
