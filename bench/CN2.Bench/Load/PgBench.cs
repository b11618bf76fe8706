using System.Globalization;
using System.Text.RegularExpressions;
using CN2.Bench.Lab;

namespace CN2.Bench.Load;

/// <summary>What a run of pgbench gave; latencies from its log of single transactions.</summary>
internal sealed record PgBenchResult(double Rate, Latencies Latencies);

/// <summary>pgbench sending the transaction of one POST (create-service.sql) to a copy of the API's database.</summary>
internal sealed partial class PgBench
{
    public const string Database = "pgbench";

    /// <summary>Free addresses of each pool before a run: more than it can take, so that it need not stop to refill as the API must.</summary>
    private const int Pool = 100_000;

    private readonly ApiDatabase _postgres;
    private readonly string _script;
    private readonly string _withoutAudit;
    private int _run;

    /// <param name="postgres">Where the API has created its first Service; nobody may be connected to its database.</param>
    public PgBench(ApiDatabase postgres)
    {
        _postgres = postgres;
        _script = Path.Combine(postgres.Server.Directory, "create-service.sql");
        _withoutAudit = Path.Combine(postgres.Server.Directory, "create-service-without-audit.sql");
        var script = Script(postgres);
        File.WriteAllText(_script, script);
        if (AuditInsert().Count(script) != 1) throw new InvalidOperationException("create-service.sql has no single INSERT INTO audit that could be left out");
        File.WriteAllText(_withoutAudit, AuditInsert().Replace(script, ""));
        postgres.Copy(Database);
    }

    /// <summary>The Service a client of a run creates first.</summary>
    public static string NameOf(int run, int client) => $"pgbench-{run}-{client}-1";

    public PgBenchResult For(int clients, TimeSpan time)
    {
        Prepare();
        return Run(_script, clients, "-T", Seconds(time));
    }

    /// <summary>One of several short runs after one <see cref="Prepare"/>.</summary>
    /// <param name="clients">How many.</param>
    /// <param name="time">How long, at least a second.</param>
    /// <param name="audited">False: the transaction without the entry of the audit log. The server has no such setting; it says what the entry costs.</param>
    public PgBenchResult Short(int clients, TimeSpan time, bool audited) => Run(audited ? _script : _withoutAudit, clients, "-T", Seconds(time));

    /// <summary>Fills the pools of addresses.</summary>
    public void Prepare()
    {
        _postgres.Sql(Database, $"SELECT cn2_refill(id, {Pool}) FROM subnet");
        _postgres.Sql(Database, "ANALYZE");
    }

    /// <summary>One transaction; returns the name of the Service.</summary>
    public string One()
    {
        Prepare();
        Run(_script, 1, "-t", "1");
        return NameOf(_run, 0);
    }

    private static string Seconds(TimeSpan time) => $"{Math.Max(1, (int)time.TotalSeconds)}";

    private PgBenchResult Run(string script, int clients, params string[] length)
    {
        _run++;
        var log = Path.Combine(_postgres.Server.Directory, $"pgbench-{_run}");
        var output = Command.Run(_postgres.Server.Program("pgbench"), ["-h", _postgres.Server.Directory, "-U", "postgres", "-n", "-M", "prepared",
            "-c", $"{clients}", "-j", $"{Math.Min(clients, 2)}", .. length, "-D", $"run={_run}", "-D", "seq=0", "-l", "--log-prefix", log, "-f", script, Database]);
        var rate = Tps().Match(output);
        if (!rate.Success || !output.Contains("number of failed transactions: 0", StringComparison.Ordinal)) throw new InvalidOperationException(output);
        var times = new List<double>();
        foreach (var file in Directory.GetFiles(_postgres.Server.Directory, $"pgbench-{_run}.*"))
        {
            // client, transaction, microseconds, ...
            times.AddRange(File.ReadLines(file).Select(l => double.Parse(l.Split(' ')[2], CultureInfo.InvariantCulture) / 1000));
            File.Delete(file);
        }

        return new PgBenchResult(double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture), new Latencies(times));
    }

    /// <summary>The script with this database's subnets, and the spec as the API has just written it.</summary>
    private static string Script(ApiDatabase postgres)
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Scenarios", "create-service.sql"));
        var service = (int)postgres.Scalar("SELECT id FROM subnet WHERE external_network_uid IS NULL AND family(cidr) = 4")!;
        var external = (int)postgres.Scalar("SELECT id FROM subnet WHERE external_network_uid IS NOT NULL")!;
        var values = new Dictionary<string, string>
        {
            ["SERVICE_SUBNET"] = $"{service}",
            ["EXTERNAL_SUBNET"] = $"{external}",
            ["FIRST_SUBNET"] = $"{Math.Min(service, external)}",
            ["SECOND_SUBNET"] = $"{Math.Max(service, external)}",
            ["SERVICE_CIDR"] = (string)postgres.Scalar($"SELECT cidr::text FROM subnet WHERE id = {service}")!,
            ["EXTERNAL_CIDR"] = (string)postgres.Scalar($"SELECT cidr::text FROM subnet WHERE id = {external}")!,
            ["NETWORK"] = (string)postgres.Scalar($"SELECT external_network_uid::text FROM subnet WHERE id = {external}")!,
            ["SPEC"] = (string)postgres.Scalar("SELECT spec::text FROM service")!,
        };
        return Word().Replace(text, m => values[m.Groups[1].Value]);
    }

    [GeneratedRegex(@"^INSERT INTO audit [^;]*;\n", RegexOptions.Multiline)]
    private static partial Regex AuditInsert();

    [GeneratedRegex("@([A-Z_]+)@")]
    private static partial Regex Word();

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Tps();
}
