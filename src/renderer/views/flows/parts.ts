/** The parts of a flow's page, by what stands in the route. */
export const flowParts = ['live', 'trace', 'file'] as const
export type FlowPart = (typeof flowParts)[number]
