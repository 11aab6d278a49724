// Trading stories as data: each file in test/scenarios tells one rule, with what the exchange answers.
//
// UPDATE_SCENARIOS=1 rewrites the answers (the indented lines). Read them before you commit them.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { type Outcome, readStories, rewrite, runStory } from './scenarios/story.ts'

const directory = join(import.meta.dirname, 'scenarios')
const files = readdirSync(directory).filter((name) => name.endsWith('.txt'))

for (const name of files) {
  const file = join(directory, name)
  if (process.env.UPDATE_SCENARIOS === '1') update(file)
  describe(name, () => {
    for (const story of readStories(readFileSync(file, 'utf8'))) {
      test(story.title, () => compare(`test/scenarios/${name}`, runStory(story)))
    }
  })
}

function update(file: string): void {
  const text = readFileSync(file, 'utf8')
  // The scene is told by every story in the same way; only the stories' own lines have output.
  const outcomes = readStories(text).flatMap(runStory)
  const rewritten = rewrite(text, outcomes)
  if (rewritten !== text) writeFileSync(file, rewritten)
}

/** Fails at the first line that differs, and points at it. */
function compare(file: string, outcomes: Outcome[]): void {
  for (const { step, told } of outcomes) {
    for (let i = 0; i < Math.max(told.length, step.expected.length); i += 1) {
      if (told[i] === step.expected[i]) continue
      const at = `${file}:${step.outputBehind + 1 + i}`
      const error = new Error(
        `${at} (answer to line ${step.line})\n` +
          `  expected: ${step.expected[i] ?? 'nothing more'}\n` +
          `  told:     ${told[i] ?? 'nothing more'}`,
      )
      error.stack = `${error.message}\n    at ${at}:1`
      throw error
    }
  }
}
