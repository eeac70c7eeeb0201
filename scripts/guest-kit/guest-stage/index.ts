// What `import … from 'paddock:stage'` gives a stage.
export {
  defineAggregator,
  defineFilter,
  defineRouter,
  defineSink,
  defineSource,
  defineTransform,
} from './define.ts'
export type {
  AggregatorDefinition,
  FilterDefinition,
  RouterDefinition,
  SinkDefinition,
  SourceDefinition,
  StageLife,
  TransformDefinition,
} from './define.ts'
export { Element, json } from './element.ts'
export type { Content, Output } from './element.ts'
export { fail, StageFailure } from './failure.ts'
export { decodeText, encodeText } from './text.ts'
