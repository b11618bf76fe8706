using System.Text.RegularExpressions;

namespace CN2.Api.Tests.Fixtures;

/// <summary>The real server as a process of its own, without a BGP engine, on free loopback ports: for tests that stop, kill or freeze it.</summary>
internal sealed partial class ApiProcess(string connectionString, string name, params string[] settings) : IAsyncDisposable
{
    private readonly RunningProcess _process = new(
        "dotnet",
        [
            Path.Combine(AppContext.BaseDirectory, "CN2.Api.dll"), "--ConnectionStrings:CN2", connectionString, "--ControlNode:Name", name, "--Bgp:Engine", "none",
            "--Http:Url", "http://127.0.0.1:0", "--Grpc:Url", "http://127.0.0.1:0", "--Auth:Mode", "none", "--Agents:Mode", "none", .. settings,
        ]);

    public bool HasExited => _process.HasExited;

    public string Output => _process.Output;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>Until it can serve; <see cref="Client"/> reaches it then.</summary>
    public async Task UntilReadyAsync()
    {
        await Eventually.TrueAsync(() => HasExited || ListeningOn().IsMatch(Output), "it listens", 60, () => Output);
        Assert.False(HasExited, Output);
        Client = new HttpClient { BaseAddress = new Uri(ListeningOn().Match(Output).Groups[1].Value) };
        await Eventually.TrueAsync(async () => HasExited || (await Client.GetAsync("/readyz")).IsSuccessStatusCode, "it is ready", 60, () => Output);
        Assert.False(HasExited, Output);
    }

    public void Signal(string signal) => _process.Signal(signal);

    public ValueTask DisposeAsync()
    {
        Client?.Dispose();
        _process.Signal("CONT");
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    // The first of the two is REST.
    [GeneratedRegex(@"Now listening on: (http://\S+)[\s\S]*Now listening on: ")]
    private static partial Regex ListeningOn();
}
