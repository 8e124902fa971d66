"""The bot: closed bars become decisions, decisions become orders, and every position is protected and accounted for"""
