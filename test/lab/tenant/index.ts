export type { ScanTarget } from './check.ts';
export type {
  ActiveFault,
  AnswerFault,
  DeliveryFault,
  FaultScope,
  ListFault,
  TenantFault,
} from './faults.ts';
export type { MuteTarget } from './finding-store.ts';
export {
  fleetFindings,
  generatedItems,
  type ItemDefect,
  type ItemList,
  itemDefects,
  malformedItems,
  type TenantItem,
  tenantItem,
  unusualItems,
  unwantedItems,
} from './item.ts';
export { documentedRateLimit, type RateLimitOptions } from './rate-limit.ts';
export { labelOfRegion, regionLabels } from './regions.ts';
export { describeScan, type ScanReport } from './scan-report.ts';
export { type MuteOptions, startTenant, Tenant, type TenantOptions, type TenantRequest } from './tenant.ts';
export { formatTenantTime } from './time.ts';
