export {
  DescribeClustersCommand,
  ModifyClusterCommand,
  paginateDescribeClusters,
  RedshiftClient,
} from '@aws-sdk/client-redshift';
