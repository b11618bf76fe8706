using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;

namespace CN2.Bench.Lab;

/// <summary>The published CN2.Api as a process of its own on the control node's addresses.</summary>
internal sealed class ApiProcess : IDisposable
{
    private static readonly string[] WorkCounters = ["cn2_reconcile", "cn2_bgp", "cn2_vrouter"];

    private readonly string _connectionString;
    private readonly HttpClient _http;
    private readonly RunningProcess _process;

    /// <param name="network">Where it runs.</param>
    /// <param name="connectionString">Its database.</param>
    /// <param name="settings">More settings, in the form of environment variables.</param>
    public ApiProcess(PrivateNetwork network, string connectionString, params (string Name, string Value)[] settings)
    {
        var values = new Dictionary<string, string>
        {
            ["ConnectionStrings__CN2"] = connectionString,
            ["Http__Url"] = "http://127.0.0.1:8080",
            ["Auth__Mode"] = "none",
            ["Grpc__Url"] = "http://172.27.115.241:8081",
            ["Grpc__AllowPlain"] = "true",
            ["Agents__Mode"] = "none",
            // Beyond a small cluster: every Service takes a cluster IP.
            ["ServiceNetwork__V4"] = "10.0.0.0/10",
            ["Bgp__RouterId"] = "172.27.115.241",
            ["Bgp__GoBgp__Address"] = "unix://" + Path.Combine(network.Directory, "gobgp.sock"),
            ["ControlNode__Name"] = "control",
        };
        foreach (var (name, value) in settings) values[name] = value;
        _connectionString = connectionString;
        _http = new HttpClient { BaseAddress = new Uri(values["Http__Url"]), Timeout = TimeSpan.FromSeconds(30) };
        _process = new(Published.Api, [], Path.Combine(network.Directory, $"api-{_http.BaseAddress.Port}.log"), values);
    }

    /// <summary>What the bench itself shows to this server; null: nothing.</summary>
    public string? Bearer
    {
        set => _http.DefaultRequestHeaders.Authorization = value is null ? null : new AuthenticationHeaderValue("Bearer", value);
    }

    public TimeSpan ProcessorTime => _process.ProcessorTime;

    public long ResidentBytes => _process.ResidentBytes;

    /// <summary>The most resident memory it has had since it was started.</summary>
    public long PeakResidentBytes => _process.PeakResidentBytes;

    /// <summary>Waits until /readyz answers 200; returns how long that took from now.</summary>
    public async Task<TimeSpan> ReadyAsync(int seconds = 120)
    {
        var clock = Stopwatch.StartNew();
        await Eventually.TrueAsync(async () =>
        {
            if (_process.HasExited) throw new InvalidOperationException($"CN2.Api ended: {_process.Output}");
            try
            {
                using var answer = await _http.GetAsync("/readyz");
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "CN2.Api is ready", seconds);
        return clock.Elapsed;
    }

    public void Kill() => _process.Kill();

    public void Start() => _process.Start();

    /// <summary>Sends JSON; anything but success is an error.</summary>
    public async Task<string> SendAsync(HttpMethod method, string path, string json)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = new StringContent(json, null, method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json"),
        };
        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? text : throw new InvalidOperationException($"{method} {path}: {(int)answer.StatusCode} {text}");
    }

    /// <summary>/metrics, summed over labels.</summary>
    public async Task<Dictionary<string, double>> MetricsAsync()
    {
        var sums = new Dictionary<string, double>();
        foreach (var line in (await _http.GetStringAsync("/metrics")).Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var space = line.LastIndexOf(' ');
            var name = line[..space].Split('{')[0];
            sums[name] = sums.GetValueOrDefault(name) + double.Parse(line[(space + 1)..], CultureInfo.InvariantCulture);
        }

        return sums;
    }

    /// <summary>An API token with the role admin, made at the database as the first one of an installation is. The server must be ready.</summary>
    public string CreateToken(string name) =>
        Command.Run(Published.Api, "token", "create", "--name", name, "--role", "admin", $"--ConnectionStrings:CN2={_connectionString}").Trim();

    /// <summary>Every counter of work has stood still for a while: what was asked for is done.</summary>
    /// <param name="seconds">After so many it is an error.</param>
    /// <param name="still">For so many seconds they have stood still.</param>
    public async Task QuietAsync(int seconds = 900, double still = 1.5)
    {
        var before = "";
        var since = Stopwatch.StartNew();
        await Eventually.TrueAsync(async () =>
        {
            var work = (await MetricsAsync()).Where(m => WorkCounters.Any(c => m.Key.StartsWith(c, StringComparison.Ordinal))).OrderBy(m => m.Key, StringComparer.Ordinal);
            var now = string.Join(' ', work.Select(m => m.Value.ToString(CultureInfo.InvariantCulture)));
            if (now != before) since.Restart();
            before = now;
            return since.Elapsed > TimeSpan.FromSeconds(still);
        }, "CN2.Api is quiet", seconds, everyMilliseconds: 500); // with 1,000 agents /metrics has 7,000 series
    }

    /// <summary>Four million addresses, chosen by every Service that names no network.</summary>
    public Task AddExternalNetworkAsync() => SendAsync(HttpMethod.Post, "/v1/namespaces/default/external-networks",
        """{"name":"wide","labels":{"service.contrail.juniper.net/externalNetwork":"default-external"},"subnets":[{"cidr":"100.64.0.0/10"}],"fabricForwarding":true}""");

    public void Dispose()
    {
        _process.Stop("TERM");
        _process.Dispose();
        _http.Dispose();
    }
}

/// <summary>The programs, published as a release has them (<c>publish_release</c> in <c>tests/lab/lib/build.sh</c>).</summary>
internal static class Published
{
    public static string Api => Program("CN2.Api", "CN2.Api");

    public static string VRouter => Program("CN2.VRouter", "cn2-vrouter");

    private static string Program(string project, string name)
    {
        var path = Repository.PathOf("artifacts", "publish", project, "native", name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing: ./cn2 bench publishes it");
    }
}
