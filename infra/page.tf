locals {
  has_page = var.page == "cloudfront"
  page_url = local.has_page ? "https://${aws_cloudfront_distribution.page[0].domain_name}" : ""

  # The page's Content-Security-Policy. It allows any API host, since Chalice creates the API after
  # Terraform has run.
  page_policy = join("; ", [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    join(" ", concat(
      ["connect-src 'self' https://*.execute-api.${var.region}.amazonaws.com"],
      [for stack in aws_cloudformation_stack.push : "wss://${stack.outputs["Socket"]}"],
    )),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "manifest-src 'self'",
  ])
}

resource "aws_cloudfront_origin_access_control" "page" {
  count = local.has_page ? 1 : 0

  name                              = "${local.prefix}-page"
  description                       = "CloudFront alone reads the page's bucket."
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_response_headers_policy" "page" {
  count = local.has_page ? 1 : 0

  name    = "${local.prefix}-page"
  comment = "Security headers of the page."

  security_headers_config {
    content_security_policy {
      content_security_policy = local.page_policy
      override                = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = true
      preload                    = true
      override                   = true
    }
  }
}

resource "aws_cloudfront_distribution" "page" {
  #checkov:skip=CKV2_AWS_42:CloudFront's own certificate; another needs a domain of one's own
  #checkov:skip=CKV_AWS_174:CloudFront sets the protocol for its own domain; another needs a domain of one's own
  #checkov:skip=CKV_AWS_68:A web application firewall costs 5 USD a month and more; the page is static files
  #checkov:skip=CKV2_AWS_47:A web application firewall costs 5 USD a month and more; nothing here runs Log4j
  #checkov:skip=CKV_AWS_310:One origin: the page is static files in a bucket that is kept in three zones
  #checkov:skip=CKV_AWS_374:Open to every country
  count = local.has_page ? 1 : 0

  enabled             = true
  comment             = "${local.prefix}: the page"
  default_root_object = "index.html"
  price_class         = "PriceClass_100"
  http_version        = "http2and3"
  is_ipv6_enabled     = true

  origin {
    domain_name              = module.page_bucket[0].regional_domain_name
    origin_id                = "page"
    origin_access_control_id = aws_cloudfront_origin_access_control.page[0].id
  }

  default_cache_behavior {
    target_origin_id           = "page"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    compress                   = true
    cache_policy_id            = "658327ea-f89d-4fab-a63d-7e88639e58f6" # AWS's Managed-CachingOptimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.page[0].id
  }

  logging_config {
    bucket = module.logs_bucket.domain_name
    prefix = "page/"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }
}
