import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

const metrics = new Metrics();

/**
 * Records a CloudWatch metric in the embedded metric format, one log line each, because metrics have different
 * dimensions.
 * @param rule the rule's id as a dimension in addition to `service`; without it, `service` is the only one
 */
export function count(name: string, value: number, rule?: string): void {
  const metric = metrics.singleMetric();
  if (rule !== undefined) metric.addDimension('rule', rule);
  metric.addMetric(name, MetricUnit.Count, value);
}
