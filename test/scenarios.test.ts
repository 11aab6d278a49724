// Trading stories as data: each file in test/scenarios tells one rule, with what the exchange
// answers.
//
// UPDATE_SCENARIOS=1 rewrites the answers (the indented lines). Read them before you commit them.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { compareStory, readStories, rewrite, runStory, withoutAnswers } from './scenarios/story.ts'

const directory = join(import.meta.dirname, 'scenarios')
const files = readdirSync(directory).filter((name) => name.endsWith('.txt'))

for (const name of files) {
  const file = join(directory, name)
  if (process.env.UPDATE_SCENARIOS === '1') update(file)
  describe(name, () => {
    for (const story of readStories(readFileSync(file, 'utf8'))) {
      test(story.title, () => compareStory(story, `test/scenarios/${name}`))
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
