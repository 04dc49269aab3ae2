"""Tables of the lake as Arrow datasets, which DuckDB scans with its own filters and columns.

DuckDB passes the columns and the filter of each scan. A scan skips partitions that the filter
excludes, and Parquet row groups that the filter excludes by their statistics. Scanned bytes are
counted as Athena counts them: column chunks and footers of Parquet, whole JSON objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from embedded_aws.athena.engine.aws import Aws
from embedded_aws.athena.engine.catalog import (
    PATH,
    Catalog,
    Partition,
    Projection,
    Shape,
    Table,
    projection,
)
from embedded_aws.athena.engine.failures import QueryError, unsupported
from embedded_aws.athena.engine.hive_types import to_arrow_schema
from embedded_aws.athena.engine.json_lines import LineReader
from embedded_aws.athena.engine.object_cache import ObjectCache
from embedded_aws.athena.engine.requests import (
    FILES,
    FORMAT,
    Meter,
    consistent,
    pages,
    parquet_gets,
    partitions_left,
)

_OBJECTS_AT_ONCE = 200


class Lake:
    """State that all scans of a statement share: the catalog, the objects, the meter, and the first
    error. The error is kept here because DuckDB passes on only its text."""

    def __init__(
        self,
        aws: Aws,
        catalog: Catalog,
        lines: ObjectCache[list[bytes]],
        files: ObjectCache[Any],
        meter: Meter,
    ) -> None:
        self.aws = aws
        self.catalog = catalog
        self.lines = lines
        self.files = files
        self.meter = meter
        self.failure: Exception | None = None

    def keys(self, partition: Partition) -> tuple[str, list[str]]:
        """Return the bucket and the keys of a partition's objects. Like Hive, skip objects whose
        name begins with `_` or a dot."""
        bucket, _, prefix = partition.location.removeprefix("s3://").partition("/")
        found = partition.keys
        if found is None:
            found = tuple(self.aws.names(f"s3://{bucket}/{prefix}"))
        self.meter.add(lists=pages(len(found)))
        return bucket, [key for key in found if key.rpartition("/")[2][:1] not in ("_", ".", "")]

    def parquet(self, partitions: Iterable[Partition]) -> Iterator[tuple[Partition, str, str, Any]]:
        """Yield the partition, bucket, key and file of each Parquet object. The objects of a bucket
        are requested together."""
        of_bucket: dict[str, dict[str, Partition]] = {}
        for partition in partitions:
            bucket, keys = self.keys(partition)
            of_bucket.setdefault(bucket, {}).update(dict.fromkeys(keys, partition))
        for bucket, owners in of_bucket.items():
            for key, _, file in self.files.read(bucket, list(owners)):
                yield owners[key], bucket, key, file


class LakeTable(ds.InMemoryDataset):  # type: ignore[misc]  # pyarrow is untyped here
    """A dataset that holds no rows itself; its scans read the lake."""

    def __init__(self, table: Table, lake: Lake, shape: Shape) -> None:
        super().__init__(to_arrow_schema(table.columns_of(shape)).empty_table())
        self._table = table
        self._lake = lake

    def scanner(self, columns: Sequence[str] | None = None, filter: Any = None, **_: Any) -> Any:  # noqa: A002
        """Return a scanner over the rows that pass the filter, with the given columns (None: all).
        Stores the first error in the lake before raising it."""
        try:
            wanted = list(self.schema.names if columns is None else columns)
            projected = projection(self._table) if self._table.projected else {}
            partitions = list(self._matching(projected, filter))
            self._count_empty(len(partitions), projected, filter)
            return self._opened(partitions, wanted, filter)
        except Exception as error:
            self._lake.failure = self._lake.failure or error
            raise

    def _count_empty(self, found: int, projected: Projection, condition: Any) -> None:
        """Count the LISTs of empty projected partitions, which Athena makes too."""
        if self._table.projected:
            mentioned = _words(condition)
            left = partitions_left(projected, self.schema, condition, mentioned)
            self._lake.meter.add(lists=left - found)

    def _opened(self, partitions: list[Partition], wanted: list[str], condition: Any) -> Any:
        if "parquet" in self._table.serde.lower():
            return self._parquet(partitions, wanted, condition)
        if "json" in self._table.serde.lower():
            schema = pa.schema([self.schema.field(name) for name in wanted])
            return _Rows(schema, self._guarded(self._json(partitions, wanted, condition)))
        raise unsupported(f"the SerDe {self._table.serde or 'that is not named'}")

    def _matching(self, projected: Projection, condition: Any) -> Iterator[Partition]:
        """Yield the partitions that the filter does not exclude."""
        partitions = list(self._lake.catalog.partitions(self._table, projected))
        if condition is None or not self._table.partition_columns:
            yield from partitions
            return
        terms = [self._equals(partition) for partition in partitions]
        for at in consistent(terms, self.schema, condition):
            yield partitions[at]

    def _equals(self, partition: Partition) -> Any:
        expression = pc.scalar(True)
        for (name, _), value in zip(self._table.partition_columns, partition.values, strict=True):
            scalar = pa.scalar(value).cast(self.schema.field(name).type)
            expression &= pc.field(name) == scalar
        return expression

    def _touched(self, wanted: Sequence[str], condition: Any) -> list[str]:
        words = _words(condition)
        return [name for name in self.schema.names if name in wanted or name in words]

    def _parquet(self, partitions: list[Partition], wanted: list[str], condition: Any) -> Any:
        touched = set(self._touched(wanted, condition))
        fragments = []
        held = []
        for partition, bucket, key, file in self._lake.parquet(partitions):
            held.append(file)
            where = self._equals(partition) & (pc.field(PATH) == f"s3://{bucket}/{key}")
            fragment = FORMAT.make_fragment(str(file.path), FILES, partition_expression=where)
            footer, groups = self._scanned(key, fragment, touched, condition)
            gets = parquet_gets(file.path.stat().st_size, groups)
            self._lake.meter.add(footer + sum(groups), gets=gets)
            fragments.append(fragment)
        dataset = ds.FileSystemDataset(fragments, self.schema, FORMAT, FILES)
        scanner = dataset.scanner(columns=wanted, filter=condition)
        return _Rows(scanner.projected_schema, _while_held(scanner, held))

    def _scanned(
        self, key: str, fragment: Any, touched: set[str], condition: Any
    ) -> tuple[int, list[int]]:
        """Return the scanned bytes of a Parquet file's footer, and of the touched columns in each
        row group that may match the filter.

        Raises QueryError if the file is damaged.
        """
        try:
            metadata = fragment.metadata
        except (OSError, pa.ArrowInvalid) as error:
            raise QueryError("HIVE_BAD_DATA", f"{key}: {error}") from error
        kept = fragment
        if condition is not None:
            kept = fragment.subset(filter=condition, schema=self.schema)
        groups = [_column_bytes(metadata.row_group(one.id), touched) for one in kept.row_groups]
        return metadata.serialized_size + 8, groups

    def _json(
        self, partitions: list[Partition], wanted: list[str], condition: Any
    ) -> Iterator[Any]:
        names = [name for name, _ in self._table.columns]
        options = self._table.serde_options
        reader = LineReader(
            names,
            [self.schema.field(name).type for name in names],
            ignore_malformed=options.get("ignore.malformed.json", "").lower() == "true",
            fold_case=options.get("case.insensitive", "true").lower() != "false",
        )
        touched = self._touched(wanted, condition)
        for partition in partitions:
            bucket, keys = self._lake.keys(partition)
            for start in range(0, len(keys), _OBJECTS_AT_ONCE):
                lines: list[bytes] = []
                paths: list[str] = []
                part = keys[start : start + _OBJECTS_AT_ONCE]
                for key, size, of_object in self._lake.lines.read(bucket, part):
                    self._lake.meter.add(size, gets=1)
                    lines += of_object
                    paths += [f"s3://{bucket}/{key}"] * len(of_object)
                rows = self._rows(reader, lines, paths, touched, partition)
                found = rows if condition is None else rows.filter(condition)
                yield from found.select(wanted).to_batches()

    def _rows(
        self,
        reader: LineReader,
        lines: list[bytes],
        paths: list[str],
        touched: list[str],
        partition: Partition,
    ) -> Any:
        of_partition = dict(
            zip((name for name, _ in self._table.partition_columns), partition.values, strict=True)
        )
        given = (*of_partition, PATH)
        arrays = reader.read(lines, [name for name in touched if name not in given])
        if PATH in touched:
            arrays[PATH] = pa.array(paths, pa.string())
        for name, value in of_partition.items():
            scalar = pa.scalar(value).cast(self.schema.field(name).type)
            arrays[name] = pa.repeat(scalar, len(lines))
        fields = [self.schema.field(name) for name in arrays]
        return pa.table(list(arrays.values()), schema=pa.schema(fields))

    def _guarded(self, batches: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from batches
        except Exception as error:
            self._lake.failure = self._lake.failure or error
            raise


def _words(condition: Any) -> set[str]:
    """Return all words in a filter's text. They include the names of the filter's columns."""
    return set(re.findall(r"[\w$]+", "" if condition is None else str(condition)))


def _column_bytes(group: Any, touched: set[str]) -> int:
    chunks = [group.column(at) for at in range(group.num_columns)]
    return sum(
        chunk.total_compressed_size
        for chunk in chunks
        if chunk.path_in_schema.partition(".")[0].lower() in touched
    )


def _while_held(scanner: Any, files: list[Any]) -> Iterator[Any]:
    """Yield a scanner's batches, and keep its files referenced until the last batch: files without
    a reference are deleted."""
    yield from scanner.to_reader()
    files.clear()


class _Rows:
    """A scanner over batches that are created when they are read."""

    def __init__(self, schema: Any, batches: Iterator[Any]) -> None:
        self._schema = schema
        self._batches = batches

    def to_reader(self) -> Any:
        """Return a reader of the batches."""
        return pa.RecordBatchReader.from_batches(self._schema, self._batches)
