/** The names of each rule in Netskope, in all known spellings, by rule id. */
export const netskopeRuleNames: Readonly<Record<string, readonly string[]>> = {
  'cloudtrail-log-file-validation': [
    'Secure audit trails so they cannot be altered : CloudTrail Log Files Lack Integrity Validation',
    'Secure audit trails so they cannot be altered: CloudTrail Log Files Lack Integrity Validation',
  ],
  'iam-access-key-unrotated': [
    'Remote access: Ensure access keys are rotated every 90 days or less.',
    'Fully document and implement all key-management processes and procedures for cryptographic keys used for encryption of cardholder data : Lack of Access Key Rotation',
  ],
  'network-acl-admin-ports-open': [
    'Ensure no Network ACLs allow ingress from 0.0.0.0/0 to remote server administration ports',
  ],
  'network-acl-default-allows-all': [
    'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in default Network ACL',
  ],
  'network-acl-subnet-allows-all': [
    'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in Network ACL which is associated with a subnet',
  ],
  'rds-snapshot-public': [
    'Access permissions and authorizations: Ensure RDS Instances do not have Publicly Accessible Snapshots',
  ],
  'redshift-cluster-public': [
    'Access permissions and authorizations: Ensure Redshift Clusters are not Publicly accessible',
  ],
  's3-bucket-public': ['Ensure S3 Bucket is not publicly accessible.'],
  'security-group-admin-ports-open': [
    'Ensure no security groups allow ingress from 0.0.0.0/0 to remote server administration ports',
    'Make sure no security groups attached to ec2 allow ingress from 0.0.0.0/0 to remote server administration ports',
  ],
  'security-group-rdp-open': [
    'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 3389',
  ],
  'security-group-ssh-open': [
    'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 22',
  ],
  'vpc-flow-logs-disabled': [
    'Baseline network operations and data flows: Ensure VPC flow logging is enabled in all VPCs',
  ],
};
