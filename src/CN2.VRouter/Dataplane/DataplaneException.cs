namespace CN2.VRouter.Dataplane;

/// <summary>The data plane refused a configuration. The message is for the operator; the state before the call stays.</summary>
public sealed class DataplaneException : Exception
{
    public DataplaneException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
