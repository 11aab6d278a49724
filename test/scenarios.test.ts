// Trading stories as data: each file in test/scenarios tells one rule, with what the exchange
// answers.
//
// UPDATE_SCENARIOS=1 rewrites the answers (the indented lines). Read them before you commit them.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { readStories, rewrite, runStory, type Story, withoutAnswers } from './scenarios/story.ts'

const directory = join(import.meta.dirname, 'scenarios')
const files = readdirSync(directory).filter((name) => name.endsWith('.txt'))

for (const name of files) {
  const file = join(directory, name)
  if (process.env.UPDATE_SCENARIOS === '1') update(file)
  describe(name, () => {
    for (const story of readStories(readFileSync(file, 'utf8'))) {
      test(story.title, () => compare(story, `test/scenarios/${name}`))
    }
  })
}

function update(file: string): void {
  const before = readFileSync(file, 'utf8')
  const text = withoutAnswers(before)
  const outcomes = readStories(text).flatMap((story) => runStory(story, file))
  const rewritten = rewrite(text, outcomes)
  if (rewritten !== before) writeFileSync(file, rewritten)
}

/** Fails at the first line that differs, and points at it. */
function compare(story: Story, file: string): void {
  for (const { step, told } of runStory(story, file)) {
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
