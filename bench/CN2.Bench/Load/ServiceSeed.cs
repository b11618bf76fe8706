using CN2.Bench.Lab;
using Npgsql;

namespace CN2.Bench.Load;

/// <summary>
/// Many Services quickly: the rows that as many POSTs would leave, change feed included, 5,000 a transaction. The API takes them from
/// the feed as it takes those of another replica.
/// </summary>
internal static class ServiceSeed
{
    private const int Chunk = 5000;

    private const string Sql =
        """
        CREATE TEMP TABLE seed ON COMMIT DROP AS
            SELECT i, gen_random_uuid() AS service, gen_random_uuid() AS cluster, gen_random_uuid() AS external FROM generate_series(@first, @last) AS i;
        CREATE TEMP TABLE taken ON COMMIT DROP AS
            SELECT @first - 1 + row_number() OVER (PARTITION BY subnet ORDER BY taken) AS i, s.id, s.cidr, s.external_network_uid AS network, t.taken AS address
            FROM (SELECT array_agg(id ORDER BY id) AS ids FROM subnet WHERE family(cidr) = 4) AS pools,
                 LATERAL cn2_take(pools.ids, array_fill(@count, ARRAY[cardinality(pools.ids)])) AS t JOIN subnet s ON s.id = t.subnet;
        INSERT INTO service (uid, namespace, name, labels, annotations, generation, created_at, updated_at, spec)
            SELECT service, 'default', 's' || i, '{}', '{}', 1, now(), now(),
                jsonb_set(model.spec::jsonb, '{selector}', jsonb_build_object('app', 'g' || i % @endpoints))
            FROM seed, (SELECT spec FROM service WHERE name = 'web') AS model;
        INSERT INTO floating_ip (uid, namespace, name, labels, annotations, generation, created_at, updated_at, subnet_id, subnet_cidr, address, external_network_uid, service_uid, reserved, spec)
            SELECT CASE WHEN network IS NULL THEN cluster ELSE external END, 'default',
                'contrail-k8s-kubemanager-cluster1-juniper-local-s' || i || CASE WHEN network IS NULL THEN '-0000000c' ELSE '-0000000e' END,
                '{}', '{}', 1, now(), now(), id, cidr, address, network, service, false, '{}'
            FROM seed JOIN taken USING (i);
        INSERT INTO change (kind, namespace, name, uid, verb, status_only)
            SELECT 4, 'default', 's' || i, service, 1, false FROM seed
            UNION ALL SELECT 5, namespace, name, uid, 1, false FROM floating_ip WHERE service_uid IN (SELECT service FROM seed);
        """;

    /// <summary>Services s<paramref name="first"/> to s<paramref name="last"/>; number i selects endpoint i mod <paramref name="endpoints"/>.</summary>
    public static void Insert(ApiDatabase postgres, int first, int last, int endpoints) => Insert(postgres.ConnectionString, first, last, endpoints);

    /// <inheritdoc cref="Insert(ApiDatabase, int, int, int)"/>
    public static void Insert(string database, int first, int last, int endpoints)
    {
        using var connection = new NpgsqlConnection(database + ";Pooling=false;Command Timeout=300");
        connection.Open();
        for (; first <= last; first += Chunk)
        {
            var count = Math.Min(Chunk, last - first + 1);
            // Every pool must have as many: cn2_take says so by a row without an address, which the constraints would refuse.
            using (var refill = new NpgsqlCommand("SELECT cn2_fill_pool(id, $1) FROM subnet WHERE family(cidr) = 4", connection) { Parameters = { new() { Value = count } } }) refill.ExecuteNonQuery();
            using var transaction = connection.BeginTransaction();
            var text = Sql.Replace("@first", $"{first}", StringComparison.Ordinal).Replace("@last", $"{first + count - 1}", StringComparison.Ordinal)
                .Replace("@count", $"{count}", StringComparison.Ordinal).Replace("@endpoints", $"{endpoints}", StringComparison.Ordinal);
            using (var insert = new NpgsqlCommand(text, connection, transaction)) insert.ExecuteNonQuery();
            transaction.Commit();
            Progress.Still($"growing: the rows up to {first + count - 1:N0} are written");
        }
    }
}
