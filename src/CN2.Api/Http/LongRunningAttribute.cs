namespace CN2.Api.Http;

/// <summary>An endpoint whose answer has no end, or is given however long it takes: <see cref="RequestDeadline"/> leaves it alone.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
public class LongRunningAttribute : Attribute
{
    /// <summary>Whether this request is such a one.</summary>
    internal virtual bool IsLong(HttpContext http) => true;
}
