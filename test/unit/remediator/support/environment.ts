import type { Environment } from '../../../../lambdas/remediator/environment.ts';

/** Environment variables as Lambda sets them. */
export const variables = {
  NAME: 'cspm',
  AWS_REGION: 'eu-central-1',
  HOME_REGION: 'us-east-1',
  SECURITY_ACCOUNT_ID: '111111111111',
  PARTITION: 'aws',
  EVIDENCE_BUCKET: 'cspm-evidence',
  FINDINGS_TABLE: 'cspm-findings',
  SETTINGS_BUCKET: 'cspm-settings',
  EVENT_BUS_ARN: 'arn:aws:events:us-east-1:111111111111:event-bus/cspm',
  TARGET_ROLE_NAME: 'security/cspm-remediation',
  AUTOMATION_ROLE_NAME: 'security/cspm-automation',
  COLLECTOR_ROLE_ID: 'AROACOLLECTOR',
  EXTERNAL_ID: 'external',
  MAX_RECEIVE_COUNT: '5',
  RETRY_DELAY_SECONDS: '30',
} as const;

export const environment: Environment = {
  ...variables,
  MAX_RECEIVE_COUNT: 5,
  RETRY_DELAY_SECONDS: 30,
};
