using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Fuzz;

/// <summary>
/// Requests drawn from the OpenAPI document: none answers 5xx, none takes longer than the limit, every refusal is a problem with a known
/// code, and the server's memory does not grow. CN2_FUZZ_REQUESTS: how many (3000); CN2_FUZZ_SEED: another seed; CN2_FUZZ_FIRST: the number
/// of the first one. The seed and number of a failure are in its message. It looks at the memory of the process, so no other test runs.
/// </summary>
[Collection(nameof(OpenApiFuzzTests))]
[CollectionDefinition(nameof(OpenApiFuzzTests), DisableParallelization = true)]
public sealed class OpenApiFuzzTests(ApiServer api) : IClassFixture<ApiServer>
{
    /// <summary>A run ends by itself: what was not sent by then is reported and not sent.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(9);

    private static readonly HashSet<string> Codes =
        [.. typeof(ProblemCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetValue(null)!).Where(c => c is not (ProblemCodes.InternalError or ProblemCodes.Unavailable))];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_request_drawn_from_the_document_ends_in_5xx_takes_long_or_leaves_memory_behind()
    {
        var (seed, first, count) = (Setting("CN2_FUZZ_SEED", 20261128), Setting("CN2_FUZZ_FIRST", 0), Setting("CN2_FUZZ_REQUESTS", 3000));
        var generator = new RequestGenerator((await api.GetAsync("/openapi/v1.json")).Expect(200).Json!, seed);
        var statuses = new SortedDictionary<int, int>();
        var failures = new List<string>();
        var slowest = TimeSpan.Zero;
        long settled = 0;
        var memory = new List<long>();
        var run = Stopwatch.StartNew();
        var sent = 0;
        for (; sent < count && failures.Count < 10 && run.Elapsed < Longest; sent++)
        {
            // By then every kind of statement and serializer has been compiled.
            if (sent == count / 2) settled = LiveBytes();
            if (sent % Math.Max(1, count / 8) == 0) memory.Add(LiveBytes() / 1024);
            var request = generator.Next(first + sent);
            var clock = Stopwatch.StartNew();
            var (status, fault) = await SendAsync(request);
            if (clock.Elapsed > slowest) slowest = clock.Elapsed;
            if (clock.Elapsed > Patience.Seconds(Network.Resources.Limits.RequestSeconds)) fault ??= $"took {clock.Elapsed.TotalSeconds:0.0} s";
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
            if (fault is not null) failures.Add($"CN2_FUZZ_SEED={seed} CN2_FUZZ_FIRST={first + sent} CN2_FUZZ_REQUESTS=1: {fault}\n{request}");
        }

        var grown = LiveBytes() - settled;
        // A run that passes prints nothing, and the figures are worth reading.
        await File.WriteAllTextAsync(Path.Combine(Repository.Root, "artifacts", "fuzz.txt"),
            $"{sent} of {count} requests in {run.Elapsed.TotalSeconds:0} s, slowest {slowest.TotalMilliseconds:0} ms, memory {string.Join(' ', memory)} KiB, from half of the way {grown / 1024:+0;-0} KiB; {string.Join(", ", statuses.Select(s => $"{s.Key}: {s.Value}"))}\n", Token);
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
        // A short run still fills pools of buffers and the store; a leak of a kilobyte a request shows in a long one.
        Assert.InRange(grown, long.MinValue, (64 + (count / 5000)) * 1024L * 1024);
        // The generator is worth something only while many requests are taken and many are refused.
        if (count < 1000) return;
        Assert.InRange(statuses.Where(s => s.Key < 300).Sum(s => s.Value), sent / 10, sent);
        Assert.InRange(statuses.Where(s => s.Key is >= 400 and < 500).Sum(s => s.Value), sent / 10, sent);
    }

    [Fact]
    public async Task The_same_seed_and_number_make_the_same_request()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!;
        var (one, other) = (new RequestGenerator(document, 7), new RequestGenerator(document, 7));
        for (var number = 300; number > 0; number--)
        {
            var (a, b) = (one.Next(number), other.Next(number));
            Assert.Equal(a.ToString(), b.ToString());
            Assert.Equal(a.Body, b.Body);
        }
    }

    private async Task<(int Status, string? Fault)> SendAsync(FuzzRequest request)
    {
        try
        {
            return await AskAsync(request);
        }
        catch (HttpRequestException e)
        {
            return (0, $"no answer: {e.GetBaseException().Message}");
        }
    }

    private async Task<(int Status, string? Fault)> AskAsync(FuzzRequest request)
    {
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), request.Path);
        if (request.Body is not null) message.Content = new ByteArrayContent(request.Body);
        foreach (var (name, value) in request.Headers)
        {
            if (name is "Content-Type" or "Content-Encoding") message.Content?.Headers.TryAddWithoutValidation(name, value);
            else message.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await api.Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Token);
        var status = (int)answer.StatusCode;
        if (answer.Content.Headers.ContentType?.MediaType == "text/event-stream") return (status, null); // a watch: it has no end
        var text = await answer.Content.ReadAsStringAsync(Token);
        if (status >= 500) return (status, $"{status} {text}");
        // What the server refuses below HTTP has no body, HEAD never has one.
        if (status < 400 || text.Length == 0) return (status, null);
        if (answer.Content.Headers.ContentType?.MediaType != "application/problem+json") return (status, $"{status} {answer.Content.Headers.ContentType} {text}");
        var problem = JsonNode.Parse(text)!;
        if ((string?)problem["code"] is not { } code || !Codes.Contains(code)) return (status, $"{status} with code {problem["code"]}");
        if (status == 400 && problem["errors"] is not JsonObject { Count: > 0 and <= Network.Resources.Limits.Faults + 1 }) return (status, $"400 with errors {problem["errors"]?.ToJsonString()}");
        return (status, null);
    }

    private static long LiveBytes()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(true);
    }

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : otherwise;
}
