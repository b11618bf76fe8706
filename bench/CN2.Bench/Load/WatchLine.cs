using System.Collections.Concurrent;
using System.Diagnostics;

namespace CN2.Bench.Load;

/// <summary>A watch: keeps when each line with a name that is waited for came.</summary>
internal sealed class WatchLine : IAsyncDisposable
{
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<long>> _waiting = new();
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;

    /// <summary>With which the names begin that are waited for; others are not kept.</summary>
    public const string Prefix = "watched-";

    private WatchLine()
    {
    }

    /// <param name="uri">Of the watch.</param>
    /// <param name="begins">The line after which events are news; null: all are.</param>
    public static async Task<WatchLine> OpenAsync(Uri uri, string? begins)
    {
        var watch = new WatchLine();
        var answer = await watch._http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
        if (begins is null) watch._begun.SetResult();
        watch._reading = watch.ReadAsync(answer, begins);
        await watch._begun.Task.WaitAsync(TimeSpan.FromMinutes(1));
        return watch;
    }

    /// <summary>The moment (<see cref="Stopwatch.GetTimestamp"/>) at which a line with <c>"name":"</c> and this name came first.</summary>
    public Task<long> SeenAsync(string name) => Of(name).Task.WaitAsync(TimeSpan.FromSeconds(30));

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _reading;
        _http.Dispose();
        _ending.Dispose();
    }

    private async Task ReadAsync(HttpResponseMessage answer, string? begins)
    {
        const string Mark = "\"name\":\"";
        using var _ = answer;
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(_ending.Token));
        try
        {
            while (await lines.ReadLineAsync(_ending.Token) is { } line)
            {
                var now = Stopwatch.GetTimestamp();
                if (line == begins) _begun.TrySetResult();
                var at = line.IndexOf(Mark + Prefix, StringComparison.Ordinal);
                if (at < 0) continue;
                var name = line[(at + Mark.Length)..];
                Of(name[..name.IndexOf('"', StringComparison.Ordinal)]).TrySetResult(now);
            }
        }
        catch (OperationCanceledException)
        {
            // The scenario is over.
        }
    }

    private TaskCompletionSource<long> Of(string name) => _waiting.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
