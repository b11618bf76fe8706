using System.Collections.Concurrent;
using System.Diagnostics;

namespace CN2.Api.Tests.Fixtures;

/// <summary>
/// The SQL that one request sends, as Npgsql traces it; BEGIN and COMMIT are not traced. The request carries <see cref="TraceParent"/>, so
/// the statements of other requests, of background tasks and of other tests are left out.
/// </summary>
public sealed class StatementLog : IDisposable
{
    private readonly ConcurrentQueue<string> _statements = new();
    private readonly ActivityTraceId _trace = ActivityTraceId.CreateRandom();
    private readonly ActivityListener _listener;

    public StatementLog()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Npgsql" or "Microsoft.AspNetCore",
            Sample = (ref options) => options.TraceId == _trace ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStopped = Record,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>The header <c>traceparent</c> (W3C Trace Context) of the request.</summary>
    public string TraceParent => $"00-{_trace}-{ActivitySpanId.CreateRandom()}-01";

    /// <summary>The statements in the order in which they were sent.</summary>
    public IReadOnlyCollection<string> Statements => _statements;

    public void Dispose() => _listener.Dispose();

    private void Record(Activity activity)
    {
        if (activity.TraceId != _trace || activity.GetTagItem("db.query.text") is not string text) return;
        foreach (var statement in text.Split(";\n")) _statements.Enqueue(statement); // a batch is one text
    }
}
