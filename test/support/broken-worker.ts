// A worker whose actors break when an order tells them to.

import './breakage.ts'
import '../../src/actors/worker.ts'
