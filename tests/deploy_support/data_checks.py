"""Checks the stage's data stores: their layout and their protection."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from chalicelib.adapters.glue import view_text
from chalicelib.services.lake import lake_sql
from infra import resources as local_resources
from tests.deploy_support.emulated_aws import ROOT
from tests.deploy_support.life import RESOURCES, Life
from tests.deploy_support.stage_life import STAGE


def tables_have_the_schema_that_the_local_provisioner_makes(life: Life) -> None:
    client = life.client("dynamodb")
    for key, table in local_resources.load(STAGE).tables.items():
        name = f"ticktape-{STAGE}-{key}"
        found = client.describe_table(TableName=name)["Table"]
        keys = {part["KeyType"].lower(): part["AttributeName"] for part in found["KeySchema"]}
        assert keys == {part: table[part] for part in ("hash", "range") if part in table}
        indexes = {
            index["IndexName"]: {
                part["KeyType"].lower(): part["AttributeName"] for part in index["KeySchema"]
            }
            | _projection(index)
            for index in found.get("GlobalSecondaryIndexes", [])
        }
        assert indexes == table.get("indexes", {})
        wanted = None if table.get("stream_of") == "push" else table.get("stream")
        assert found.get("StreamSpecification", {}).get("StreamViewType") == wanted
        ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert ttl.get("AttributeName") == table.get("ttl")


def _projection(index: dict[str, Any]) -> dict[str, str]:
    """Return an index's projection in the form of `resources.json`, which omits ALL."""
    kind = index["Projection"]["ProjectionType"]
    return {} if kind == "ALL" else {"projection": kind}


def tables_are_protected_encrypted_and_recoverable(life: Life) -> None:
    client = life.client("dynamodb")
    for key in RESOURCES["tables"]:
        name = f"ticktape-{STAGE}-{key}"
        found = client.describe_table(TableName=name)["Table"]
        assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert found["DeletionProtectionEnabled"] is True
        assert found["SSEDescription"]["Status"] == "ENABLED"
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = backups["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def buckets_are_private_versioned_encrypted_and_by_tls_only(life: Life) -> None:
    s3 = life.client("s3")
    buckets = life.outputs["data_buckets"] + life.outputs["hosting_buckets"]
    assert len(buckets) == 4
    for bucket in buckets:
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert all(block.values())
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"][
            "Rules"
        ]
        algorithm = rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
        assert algorithm == ("aws:kms" if bucket in life.outputs["data_buckets"] else "AES256")
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        denied = next(s for s in policy["Statement"] if s["Effect"] == "Deny")
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert denied["Action"] == "s3:*"
        lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        assert any("NoncurrentVersionExpiration" in rule for rule in lifecycle)


def stream_topic_and_queues_are_encrypted(life: Life) -> None:
    stream = life.client("kinesis").describe_stream_summary(StreamName=f"ticktape-{STAGE}-ticks")
    assert stream["StreamDescriptionSummary"]["EncryptionType"] == "KMS"
    for topic in life.outputs["topics"].values():
        attributes = life.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
        assert "arn:aws:kms" in attributes["KmsMasterKeyId"]
    sqs = life.client("sqs")
    for key, queue in RESOURCES["queues"].items():
        url = sqs.get_queue_url(QueueName=f"ticktape-{STAGE}-{key}")["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert found["SqsManagedSseEnabled"] == "true"
        assert (found.get("FifoQueue") == "true") is queue.get("fifo", False)
        assert ("RedrivePolicy" in found) is ("redrive_to" in queue)


def what_lambda_gives_up_on_is_told_to_the_alarmed_queue(life: Life) -> None:
    bucket = life.outputs["failures_bucket_arn"].removeprefix("arn:aws:s3:::")
    found = life.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    queue = found["QueueConfigurations"][0]
    assert queue["QueueArn"].endswith(f":ticktape-{STAGE}-failures")
    assert queue["Events"] == ["s3:ObjectCreated:*"]


def views_statement_is_the_one_that_compaction_puts_in_force(life: Life) -> None:
    lake = json.loads((ROOT / "infra" / "lake.json").read_text())
    database = life.outputs["lake"]["database"]
    start, end = "/* Presto View: ", " */"
    statements = lake_sql.views(None)
    assert set(statements) == set(lake["views"])
    for name, statement in statements.items():
        found = life.client("glue").get_table(DatabaseName=database, Name=name)["Table"]
        text = found["ViewOriginalText"].removeprefix(start).removesuffix(end)
        wanted = view_text(database, statement, lake["views"][name]["columns"])
        wanted = wanted.removeprefix(start).removesuffix(end)
        assert json.loads(base64.b64decode(text)) == json.loads(base64.b64decode(wanted))
        assert found["TableType"] == "VIRTUAL_VIEW"
        assert found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == "-"


def lake_has_the_columns_of_its_file_and_a_limit_on_what_a_query_reads(life: Life) -> None:
    lake = json.loads((ROOT / "infra" / "lake.json").read_text())
    database = life.outputs["lake"]["database"]
    glue = life.client("glue")
    listed = {table["Name"] for table in glue.get_tables(DatabaseName=database)["TableList"]}
    assert listed == {*lake["tables"], *lake["views"]}
    for name, table in lake["tables"].items():
        found = glue.get_table(DatabaseName=database, Name=name)["Table"]
        columns = [[c["Name"], c["Type"]] for c in found["StorageDescriptor"]["Columns"]]
        assert columns == table["columns"]
        assert [[c["Name"], c["Type"]] for c in found["PartitionKeys"]] == table["partitions"]
        assert (found["Parameters"].get("projection.enabled") == "true") is table["projected"]
    raw = glue.get_table(DatabaseName=database, Name="raw_lines")["Table"]["Parameters"]
    made = life.client("s3").list_buckets()["Buckets"][0]["CreationDate"].date()
    assert raw["projection.date.range"] in {f"{made - timedelta(days)},NOW" for days in (0, 1)}
    assert raw["storage.location.template"].endswith("/raw/date=${date}/hour=${hour}/")
    workgroup = life.client("athena").get_work_group(WorkGroup=life.outputs["lake"]["workgroup"])
    configuration = workgroup["WorkGroup"]["Configuration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == 10_737_418_240
