output "name" {
  description = "The bucket's name, once all its settings exist."
  value       = aws_s3_bucket.bucket.bucket
  depends_on  = [aws_s3_bucket_policy.bucket, aws_s3_bucket_ownership_controls.bucket]
}

output "arn" {
  description = "The bucket's ARN."
  value       = aws_s3_bucket.bucket.arn
}

output "domain_name" {
  description = "The domain name to which CloudFront writes logs."
  value       = aws_s3_bucket.bucket.bucket_domain_name
  depends_on  = [aws_s3_bucket_ownership_controls.bucket]
}

output "regional_domain_name" {
  description = "The domain name from which CloudFront reads."
  value       = aws_s3_bucket.bucket.bucket_regional_domain_name
}
