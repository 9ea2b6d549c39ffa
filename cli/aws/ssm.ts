export { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
