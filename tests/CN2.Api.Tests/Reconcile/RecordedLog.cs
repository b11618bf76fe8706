using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Keeps log lines for tests of what is logged.</summary>
internal sealed class RecordedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text, Exception? Exception)> _lines = new();

    public IReadOnlyCollection<(LogLevel Level, string Text, Exception? Exception)> Lines => _lines;

    public IEnumerable<(LogLevel Level, string Text, Exception? Exception)> Errors => _lines.Where(l => l.Level == LogLevel.Error);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((logLevel, formatter(state, exception), exception));

    public void Dispose()
    {
    }
}
