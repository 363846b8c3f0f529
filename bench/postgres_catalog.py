"""Write what PostgreSQL's own catalogue says of types, casts, operators and harmless functions.

The file that it writes, `daemon/sqlstrictd/verify/catalogs/postgres.txt`, is what the type check
resolves operators and functions by. To make it again, from a server of any name:

    python bench/postgres_catalog.py --host /run/postgresql > postgres.txt

It calls `psql` and reads system tables alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

TYPES = """
    bool int2 int4 int8 numeric float4 float8 money text varchar bpchar char name bytea date time
    timetz timestamp timestamptz interval json jsonb jsonpath uuid inet cidr macaddr bit varbit xml
    tsvector tsquery regconfig oid point int4range int8range numrange daterange tsrange tstzrange
    any anyelement anyarray anynonarray anyenum anyrange anycompatible anycompatiblearray
    anycompatiblenonarray record
"""

# Functions that compute from their arguments, the clock or chance, and do nothing else.
FUNCTIONS = """
    abs acos acosd acosh age array_agg array_append array_cat array_dims array_fill array_length
    array_lower array_ndims array_position array_positions array_prepend array_remove array_replace
    array_to_json array_to_string array_upper ascii asin asind asinh atan atan2 atan2d atand atanh
    avg bit_and bit_count bit_length bit_or bit_xor bool_and bool_or btrim cardinality cbrt ceil
    ceiling char_length character_length chr clock_timestamp concat concat_ws convert_from
    convert_to corr cos cosd cosh cot cotd count covar_pop covar_samp cume_dist date date_bin
    date_part date_trunc daterange decode degrees dense_rank div encode enum_first enum_last
    enum_range every exp extract factorial first_value float4 float8 floor format gcd
    gen_random_uuid generate_series generate_subscripts get_bit get_byte host initcap int2 int4
    int4range int8 int8range interval isempty isfinite json_agg json_array_elements
    json_array_elements_text json_array_length json_build_array json_build_object json_each
    json_each_text json_extract_path json_extract_path_text json_object json_object_agg
    json_object_keys json_strip_nulls json_typeof jsonb_agg jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each
    jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object
    jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query
    jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls
    jsonb_typeof justify_days justify_hours justify_interval lag last_value lcm lead left length ln
    log log10 lower lower_inc lower_inf lpad ltrim make_date make_interval make_time make_timestamp
    make_timestamptz masklen max md5 min min_scale mod mode netmask network now nth_value ntile
    num_nonnulls num_nulls numeric numrange octet_length overlaps overlay percent_rank
    percentile_cont percentile_disc phraseto_tsquery pi plainto_tsquery position pow power
    quote_ident quote_literal quote_nullable radians random range_merge rank regexp_count
    regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
    regexp_split_to_table regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2
    regr_slope regr_sxx regr_sxy regr_syy repeat replace reverse right round row_number row_to_json
    rpad rtrim scale setseed sha224 sha256 sha384 sha512 sign sin sind sinh split_part sqrt
    starts_with statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array
    string_to_table strpos substr substring sum tan tand tanh text time timestamp timestamptz timetz
    timezone to_ascii to_char to_date to_hex to_json to_jsonb to_number to_timestamp to_tsquery
    to_tsvector transaction_timestamp translate trim_array trim_scale trunc ts_headline ts_rank
    ts_rank_cd tsrange tstzrange unnest upper upper_inc upper_inf uuid var_pop var_samp varchar
    variance websearch_to_tsquery width_bucket
"""

_QUERY = """
WITH known AS (
    SELECT t.oid, t.typname::text AS name, typcategory AS category, typispreferred AS preferred,
           typarray
    FROM pg_type t WHERE typname = ANY (string_to_array('{types}', ' '))
      AND typnamespace = 'pg_catalog'::regnamespace
), types AS (
    SELECT oid, name FROM known
    UNION ALL SELECT typarray, name || '[]' FROM known WHERE typarray <> 0 AND category <> 'P'
)
SELECT 1, concat_ws(' ', 'type', name, category, CASE WHEN preferred THEN 'p' ELSE '-' END)
FROM known
UNION ALL
SELECT 2, concat_ws(' ', 'cast', s.name, t.name, castcontext)
FROM pg_cast JOIN types s ON castsource = s.oid JOIN types t ON casttarget = t.oid
WHERE castsource <> casttarget
UNION ALL
SELECT 3, concat_ws(' ', 'operator', oprname, coalesce(l.name, '-'), r.name, x.name)
FROM pg_operator LEFT JOIN types l ON oprleft = l.oid JOIN types r ON oprright = r.oid
JOIN types x ON oprresult = x.oid
WHERE (oprleft = 0) = (l.name IS NULL) AND oprcode <> 0
UNION ALL
SELECT 4, concat_ws(' ', 'function', proname,
    coalesce(nullif(aggkind::text, 'n'), prokind::text) || CASE WHEN proretset THEN 's' ELSE ''
    END, coalesce(x.name, '?'), pronargdefaults, CASE WHEN provariadic <> 0 THEN 'v' ELSE '-' END,
    (SELECT string_agg(a.name, ' ' ORDER BY n)
     FROM unnest(proargtypes::oid[]) WITH ORDINALITY AS u(oid, n) JOIN types a ON a.oid = u.oid))
FROM pg_proc p JOIN types x ON prorettype = x.oid LEFT JOIN pg_aggregate g ON aggfnoid = p.oid
WHERE proname = ANY (string_to_array('{functions}', ' '))
  AND pronamespace = 'pg_catalog'::regnamespace
  AND NOT EXISTS (SELECT FROM unnest(proargtypes::oid[]) AS u(oid)
                  WHERE u.oid NOT IN (SELECT oid FROM types))
ORDER BY 1, 2
"""


def query() -> str:
    """Return the query whose second column holds the lines of the file, in order."""
    types, functions = " ".join(TYPES.split()), " ".join(FUNCTIONS.split())
    return _QUERY.format(types=types, functions=functions)


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True, help="the server's host, or its socket's folder")
    parser.add_argument("--user", default="postgres")
    arguments = parser.parse_args()
    command = ["psql", "-X", "-At", "-F", "\t", "-h", arguments.host, "-U", arguments.user]
    done = subprocess.run([*command, "postgres", "-c", query()], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip())
    for line in done.stdout.splitlines():
        print(line.split("\t", 1)[1].strip())


if __name__ == "__main__":
    main()
